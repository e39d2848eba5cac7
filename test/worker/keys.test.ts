import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readClientKeys, readWorkerKeys, writeKeys } from "../../src/worker/keys.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "glip-keys-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("CURVE key files", () => {
  it("lets the worker know the client it was made with, readable by their owner alone", () => {
    const paths = writeKeys(directory, "laptop");
    const [worker, client] = [readWorkerKeys(paths.worker), readClientKeys(paths.client)];
    expect(worker.clients).toEqual({ laptop: client.publicKey });
    expect(client.serverKey).toBe(worker.publicKey);
    for (const path of Object.values(paths)) expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("adds a second client to the same worker", () => {
    const first = writeKeys(directory, "laptop");
    const { publicKey } = readWorkerKeys(first.worker);
    const second = writeKeys(directory, "desktop");
    expect(readWorkerKeys(second.worker)).toMatchObject({
      publicKey,
      clients: { laptop: readClientKeys(first.client).publicKey, desktop: readClientKeys(second.client).publicKey },
    });
  });

  it("overwrites no client's file", () => {
    const { client } = writeKeys(directory, "laptop");
    const before = readFileSync(client, "utf8");
    expect(() => writeKeys(directory, "laptop")).toThrow(expect.objectContaining({ code: "file_error" }));
    expect(readFileSync(client, "utf8")).toBe(before);
  });

  it.each(["worker", "../up", "a b", ""])("refuses the client name %j", (name) => {
    expect(() => writeKeys(directory, name)).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  it.each([
    ["is missing", undefined],
    ["is not JSON", "{"],
    ["is of the other kind", JSON.stringify({ serverKey: "a".repeat(40) })],
  ])("says so when a file %s, without showing what is in it", (_, content) => {
    const path = join(directory, "some.json");
    if (content !== undefined) writeFileSync(path, content);
    expect(() => readClientKeys(path)).toThrow(
      expect.objectContaining({ code: "file_error", details: expect.objectContaining({ path }) }),
    );
    expect(() => readClientKeys(path)).not.toThrow("aaaa");
  });
});
