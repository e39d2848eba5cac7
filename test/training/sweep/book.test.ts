import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { SweepBook } from "../../../src/training/sweep/book.ts";
import { failure } from "../../support/faults.ts";
import { temporaryFolder } from "../../support/folders.ts";

const name = "seed=1";
const plan = { runs: [{ name, point: { seed: 1 }, labels: { seed: "1" } }], over: undefined };
const settings = { method: "full", training: { steps: 1, batchSize: 2 } };

function open(folder: string, of: Record<string, unknown> | undefined): Promise<SweepBook> {
  return SweepBook.open(folder, { ...plan, settings: of });
}

function begin(folder: string): void {
  mkdirSync(join(folder, name));
  writeFileSync(join(folder, name, "events.jsonl"), "");
}

const kept = (folder: string): unknown => JSON.parse(readFileSync(join(folder, "sweep.json"), "utf8"));

describe("the settings of a sweep", () => {
  it("are kept before a run has ended, and others are refused", async () => {
    const folder = temporaryFolder();
    await open(folder, settings);
    expect(kept(folder)).toEqual({ settings, runs: { [name]: { seed: 1 } }, rows: [] });
    begin(folder);
    await open(folder, { training: { batchSize: 2, steps: 1 }, method: "full", model: undefined });
    const error = await failure(open(folder, { ...settings, training: { steps: 2 } }), "invalid_argument");
    expect(error.details).toEqual({
      path: "options.output",
      expected: `another folder than ${folder}, whose runs have {"training":{"steps":1,"batchSize":2}}`,
      received: '{"training":{"steps":2}}',
    });
    await failure(open(folder, undefined), "invalid_argument");
    expect(kept(folder)).toMatchObject({ settings });
  });

  it("may be mended while nothing is trained", async () => {
    const folder = temporaryFolder();
    const book = await open(folder, { ...settings, weights: "no.safetensors" });
    const nothing = { steps: null, seconds: null, checkpoint: null, metrics: {} };
    const error = { code: "invalid_argument", message: "no" };
    await book.add({ name, output: join(folder, name), labels: {}, ended: "failed", ...nothing, error });
    const mended = await open(folder, settings);
    expect(kept(folder)).toMatchObject({ settings });
    await mended.add({ name, output: join(folder, name), labels: {}, ended: "completed", ...nothing, error: null });
    // Its folder may have been removed since.
    await failure(open(folder, { method: "prompt" }), "invalid_argument");
  });

  it("are added to a book that has none", async () => {
    const folder = temporaryFolder();
    begin(folder);
    writeFileSync(join(folder, "sweep.json"), JSON.stringify({ runs: { [name]: { seed: 1 } }, rows: [] }));
    await open(folder, settings);
    expect(kept(folder)).toMatchObject({ settings });
    await failure(open(folder, { ...settings, method: "prompt" }), "invalid_argument");
  });
});
