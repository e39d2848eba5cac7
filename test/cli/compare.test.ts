import { expect, it } from "vitest";
import { addCompare } from "../../src/cli/compare.ts";
import { benchmarkRun } from "../support/benchmark-runs.ts";
import { command } from "../support/command.ts";
import { temporaryFolder } from "../support/folders.ts";

it("glip compare prints runs above published figures, and where these stand", async () => {
  const { stdout, error } = await command(addCompare, ["compare", benchmarkRun(), benchmarkRun({}, "tuned")]);
  expect(error).toBeUndefined();
  const lines = stdout.split("\n");
  expect(lines[0]).toBe("coco, parts of 100");
  expect(lines[1]).toMatch(/^model +AP +setting +note +source$/);
  expect(lines[2]).toMatch(/^mine +45\.7 +this run, 12 pictures where the benchmark has 5,000$/);
  expect(lines[3]).toMatch(/^tuned +45\.7 /);
  expect(stdout).toMatch(/^GLIP-L +51\.4 +zero-shot +\[1\]$/m);
  expect(stdout).toContain("[1] GLIP, README, model zoo: https://github.com/microsoft/GLIP\n");
});

it("prints Markdown, and JSON", async () => {
  const run = benchmarkRun({ benchmark: "odinw13", metrics: { "AP.mean": 0.4, "AP.median": 0.3 } });
  const { stdout } = await command(addCompare, ["compare", run, "--markdown"]);
  expect(stdout).toContain("| mine | 40.0 |  | this run, 12 pictures |  |\n");
  const json = JSON.parse((await command(addCompare, ["compare", run, "--json"])).stdout) as Record<string, unknown>;
  expect(json).toMatchObject({ benchmark: "odinw13", columns: ["AP"] });
});

it("says what is no run", async () => {
  const { error } = await command(addCompare, ["compare", temporaryFolder()]);
  expect(error).toContain("there is no run of a benchmark");
});
