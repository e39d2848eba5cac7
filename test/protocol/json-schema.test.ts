import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { protocolSchema } from "../../src/protocol/json-schema.ts";
import { clientMessages, protocolVersion, workerMessages } from "../../src/protocol/messages.ts";
import { methods } from "../../src/protocol/methods.ts";
import { schemaHash } from "../../src/protocol/schema-hash.ts";

const file = new URL("../../python/glip_worker/protocol/schema.json", import.meta.url);

it("is what the worker was generated from: `npm run protocol` otherwise", () => {
  const text = readFileSync(file, "utf8");
  expect(`${JSON.stringify(protocolSchema(), null, 2)}\n`).toBe(text);
  expect(createHash("sha256").update(text).digest("hex")).toBe(schemaHash);
});

it("has every message and method", () => {
  const schema = protocolSchema();
  expect(schema.protocol).toBe(protocolVersion);
  expect(Object.keys(schema.client)).toEqual(Object.keys(clientMessages));
  expect(Object.keys(schema.worker)).toEqual(Object.keys(workerMessages));
  expect(Object.keys(schema.methods)).toEqual(Object.keys(methods));
  expect(schema.methods["diagnostics.count"]?.event).not.toBeNull();
  expect(schema.methods["diagnostics.echo"]?.event).toBeNull();
});

it("says integer or number, with bounds, and allows no other field", () => {
  const schema = protocolSchema();
  expect(schema.client["credit"]).toEqual({
    type: "object",
    properties: {
      kind: { type: "string", const: "credit" },
      id: { type: "integer", minimum: 1, maximum: 4294967295 },
      events: { type: "integer", minimum: 0, maximum: 4294967295 },
    },
    required: ["kind", "id", "events"],
    additionalProperties: false,
  });
  expect(schema.methods["diagnostics.describe"]?.params).toMatchObject({
    properties: { tensor: { "x-tensor": { dtypes: null, rank: null } } },
  });
});
