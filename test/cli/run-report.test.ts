import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { addReport } from "../../src/cli/run-report.ts";
import { benchmarkRun } from "../support/benchmark-runs.ts";
import { command } from "../support/command.ts";
import { temporaryFolder } from "../support/folders.ts";
import { finishedRun } from "../support/runs.ts";

it("glip report writes a page and says where", async () => {
  const output = await finishedRun({ steps: 5 });
  expect(await command(addReport, ["report", output])).toEqual({
    stdout: `${join(output, "report.html")}\n`,
    error: undefined,
  });
  const file = join(temporaryFolder(), "page.html");
  expect((await command(addReport, ["report", output, "--out", file])).stdout).toBe(`${file}\n`);
  expect(readFileSync(file, "utf8")).toBe(readFileSync(join(output, "report.html"), "utf8"));
  expect((await command(addReport, ["report", temporaryFolder()])).error).toContain("Cannot read the events in ");
});

it("glip report knows the run of a benchmark", async () => {
  const output = benchmarkRun();
  expect((await command(addReport, ["report", output])).stdout).toBe(`${join(output, "report.html")}\n`);
  expect(readFileSync(join(output, "report.html"), "utf8")).toContain("<title>mine – coco report</title>");
  const { error } = await command(addReport, ["report", benchmarkRun({ ended: false })]);
  expect(error).toContain("its run has not ended");
});
