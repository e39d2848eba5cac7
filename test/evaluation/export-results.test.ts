import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { exportResults, type ExportResultsOptions } from "../../src/evaluation/export-results.ts";
import { benchmarkRun } from "../support/benchmark-runs.ts";
import { failure } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";

const found = { id: 7, categories: [3, 8], boxes: [[1, 2, 10, 20], [0, 0, 4.5, 4]], scores: [0.9, 0.25] }; // prettier-ignore
const nothing = { id: 8, categories: [], boxes: [], scores: [] };
const masked = { ...found, size: [30, 40], masks: ["abc", "de"] };

/** The content of what is written, and what is told. */
async function exported(lines: readonly (object | string)[], options?: ExportResultsOptions) {
  const told = await exportResults(benchmarkRun({ lines, ended: false }), options);
  return { told, content: JSON.parse(readFileSync(told.file, "utf8")) as unknown };
}

describe("results", () => {
  it("of boxes are COCO's, a row an object; half a line counts not", async () => {
    const run = benchmarkRun({ lines: [nothing, found, '{"id": 9, "cat'] });
    const file = join(run, "results.coco.json");
    expect(await exportResults(run)).toEqual({ format: "coco", file, pictures: 2, rows: 2 });
    expect(JSON.parse(readFileSync(file, "utf8"))).toEqual([
      { image_id: 7, category_id: 3, bbox: [1, 2, 10, 19], score: 0.9 },
      { image_id: 7, category_id: 8, bbox: [0, 0, 5.5, 5], score: 0.25 },
    ]);
    expect(existsSync(`${file}.part`)).toBe(false);
  });

  it("have masks, or both, where the run has them", async () => {
    const { content } = await exported([masked], { part: "segmentation" });
    expect(content).toEqual([
      { image_id: 7, category_id: 3, segmentation: { size: [30, 40], counts: "abc" }, score: 0.9 },
      { image_id: 7, category_id: 8, segmentation: { size: [30, 40], counts: "de" }, score: 0.25 },
    ]);
    const both = await exported([masked], { part: "both" });
    expect(Object.keys((both.content as object[])[0] ?? {})).toEqual([
      "image_id",
      "category_id",
      "bbox",
      "segmentation",
      "score",
    ]);
    const error = await failure(exported([found], { part: "both" }), "invalid_argument");
    expect(error.details).toEqual({
      path: "options.part",
      expected: "bbox, for the run has no masks",
      received: "both",
    });
  });

  it("of ODinW are by set, with each set's own numbers of pictures, in whatever order they came", async () => {
    const of = (set: string, image: number, id: number) => ({ ...found, id, set, image });
    const lines = [of("Pistols", 5, 105), of("Aquarium", 5, 205), of("Pistols", 6, 106)];
    const { told, content } = await exported(lines);
    expect(told).toMatchObject({ format: "odinw", pictures: 3, rows: 6 });
    const pictures = Object.entries(content as Record<string, { image_id: number }[]>).map(([set, rows]) => [
      set,
      rows.map((row) => row.image_id),
    ]);
    expect(pictures).toEqual([
      ["Pistols", [5, 5, 6, 6]],
      ["Aquarium", [5, 5]],
    ]);
    const error = await failure(exported(lines, { format: "coco" }), "invalid_argument");
    expect(error.details.path).toBe("options.format");
  });

  it("of answers and captions are what their servers take", async () => {
    const answers = await exported([{ id: 1, questions: [10, 11], answers: ["yes", "2"] }]);
    expect(answers.told).toMatchObject({ format: "vqa", pictures: 1, rows: 2 });
    expect(answers.content).toEqual([
      { question_id: 10, answer: "yes" },
      { question_id: 11, answer: "2" },
    ]);
    const captions = await exported([{ id: 1, caption: "a dog" }]);
    expect([captions.told.format, captions.content]).toEqual(["captions", [{ image_id: 1, caption: "a dog" }]]);
  });

  it("without an object are an empty list", async () => {
    expect((await exported([nothing])).content).toEqual([]);
  });

  it("go where they are told to, whole or not at all", async () => {
    const file = join(temporaryFolder(), "out.json");
    expect((await exported([found], { file })).told.file).toBe(file);
    const bad = await failure(exported([found], { file: "/no/such/out.json" }), "file_error");
    expect(bad.message).toContain("Cannot write the results");
    const stopped = join(temporaryFolder(), "stopped.json");
    await failure(exported([found], { file: stopped, signal: AbortSignal.abort() }), "cancelled");
    expect([existsSync(stopped), existsSync(`${stopped}.part`)]).toEqual([false, false]);
    const odd = await failure(exported([found, { id: 8, caption: "a dog" }], { file: stopped }), "file_error");
    expect(odd.message).toMatch(/the prediction of 8 is none of this form/);
  });

  it.each([
    [[], {}, "a run with predictions"],
    [[{ id: 1, texts: [] }], {}, "a format of the run's"],
    [[found], { format: "vqa" }, "a format of the run's"],
  ] as const)("of %j with %j are none", async (lines, options, expected) => {
    const { details } = await failure(exported(lines, options), "invalid_argument");
    expect(details.expected).toBe(expected);
  });

  it("are of a run", async () => {
    await failure(exportResults(temporaryFolder()), "file_error");
    await failure(exportResults(benchmarkRun(), { format: "csv" as "coco" }), "invalid_argument");
  });
});
