import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { addExport } from "../../src/cli/export.ts";
import { benchmarkRun } from "../support/benchmark-runs.ts";
import { command } from "../support/command.ts";
import { temporaryFolder } from "../support/folders.ts";

const lines = [{ id: 1, categories: [2], boxes: [[0, 0, 9, 9]], scores: [0.5], size: [10, 10], masks: ["ab"] }];

it("glip export writes results and says where", async () => {
  const run = benchmarkRun({ lines });
  expect(await command(addExport, ["export", run])).toEqual({
    stdout: `${join(run, "results.coco.json")}\n`,
    error: undefined,
  });
  const file = join(temporaryFolder(), "masks.json");
  const given = ["export", run, "--format", "coco", "--part", "segmentation", "--out", file, "--json"];
  expect(JSON.parse((await command(addExport, given)).stdout)).toEqual({ format: "coco", file, pictures: 1, rows: 1 });
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual([
    { image_id: 1, category_id: 2, segmentation: { size: [10, 10], counts: "ab" }, score: 0.5 },
  ]);
});

it("says what the run's results are not", async () => {
  const run = benchmarkRun({ lines });
  expect((await command(addExport, ["export", run, "--format", "vqa"])).error).toContain(
    "options.format: expected a format of the run's, got vqa",
  );
  expect((await command(addExport, ["export", run, "--format", "csv"])).error).toContain("Allowed choices are");
});
