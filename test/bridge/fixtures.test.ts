import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Allocate, decodeMessage, encodeMessage } from "../../src/bridge/codec.ts";
import { type ClientMessage, clientMessages, workerMessages } from "../../src/protocol/messages.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { fixtureFolder, fixtureFrames, readFixtures, revive } from "../support/message-fixtures.ts";

// The Python tests read the same files (python/tests/glip_worker/test_fixtures.py). After a change of a client's
// `message` by hand, GLIP_WRITE_FIXTURES=1 makes this test write its bytes.
const fixtures = [...readFixtures()];
const client = fixtures.filter(([, { direction }]) => direction === "client");
const worker = fixtures.filter(([, { direction }]) => direction === "worker");

describe.runIf(process.env["GLIP_WRITE_FIXTURES"])("writing the fixtures", () => {
  it.each(client)("%s", (name, fixture) => {
    const { message, placed } = revive(fixture);
    const [hex = "", ...frames] = encodeMessage(message as ClientMessage, placed).map(toHex);
    writeFileSync(join(fixtureFolder, `${name}.json`), `${JSON.stringify({ ...fixture, hex, frames }, null, 2)}\n`);
  });
});

describe.skipIf(process.env["GLIP_WRITE_FIXTURES"])("the fixtures of messages", () => {
  it.each(client)("%s: is what this side sends", (_, fixture) => {
    const { message, placed } = revive(fixture);
    expect(clientMessages[fixture.kind as keyof typeof clientMessages].parse(message)).toEqual(message);
    const frames = encodeMessage(message as ClientMessage, placed);
    expect(frames.map(toHex)).toEqual([fixture.hex, ...fixture.frames]);
  });

  it.each(worker)("%s: is read as what it says", (_, fixture) => {
    const allocate: Allocate = ({ segment, offset }, bytes) => {
      const content = Buffer.from(fixture.segments?.[segment] ?? "", "hex");
      return { buffer: Uint8Array.from(content).slice(offset, offset + bytes).buffer, onRelease: () => {} };
    };
    const { message, reads } = decodeMessage(fixtureFrames(fixture), allocate);
    const expected = revive(fixture);
    expect(comparable(message)).toEqual(comparable(expected.message));
    const ranges = reads.map(({ segment, offset }) => ({ segment, offset }));
    expect(ranges).toEqual([...expected.placed.values()]);
  });

  it("has every kind of both directions", () => {
    expect(new Set(client.map(([, { kind }]) => kind))).toEqual(new Set(Object.keys(clientMessages)));
    expect(new Set(worker.map(([, { kind }]) => kind))).toEqual(new Set(Object.keys(workerMessages)));
  });
});

function toHex(frame: Uint8Array): string {
  return Buffer.from(frame).toString("hex");
}

/** Tensors as what they hold, bytes without their class. */
function comparable(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bytes: toHex(value) };
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Tensor) return { dtype: value.dtype, shape: value.shape, bytes: toHex(value.bytes) };
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, comparable(item)]));
}
