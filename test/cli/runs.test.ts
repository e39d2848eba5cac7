import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { addRuns } from "../../src/cli/runs.ts";
import { command } from "../support/command.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { glip } from "../support/glip.ts";
import { finishedRun, startedRun } from "../support/runs.ts";

beforeAll(requireBuild);

describe("glip runs", { timeout: 60_000 }, () => {
  it("lists what is there", async () => {
    const root = temporaryFolder();
    await finishedRun({ steps: 5 }, join(root, "done"));
    await finishedRun({ steps: 7, end: "failed" }, join(root, "sweep", "seed=1"));
    await startedRun({ steps: 10_000, pauseMs: 1000 }, join(root, "live"));
    const { stdout } = await command(addRuns, ["runs", root]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows[0]).toEqual(["run", "state", "step", "loss", "metric", "left", "changed"]);
    expect(rows.slice(1).map(([name, state, step]) => [name, state, step])).toEqual([
      [join(root, "live"), "running", expect.stringMatching(/^\d+\/10000$/)],
      [join(root, "sweep", "seed=1"), "failed", "7/7"],
      [join(root, "done"), "completed", "5/5"],
    ]);
    const json = (await command(addRuns, ["runs", root, "--json"])).stdout.trimEnd().split("\n");
    expect(JSON.parse(json[1] as string)).toMatchObject({
      output: join(root, "sweep", "seed=1"),
      state: "failed",
      step: 7,
      totalSteps: 7,
      metrics: { AP: expect.any(Number) as number, APs: null },
      error: { code: "loss_not_finite" },
    });
  });

  it("lists one that it cannot read beside the others", async () => {
    const root = temporaryFolder();
    await finishedRun({ steps: 5 }, join(root, "done"));
    mkdirSync(join(root, "later"));
    writeFileSync(join(root, "later", "events.jsonl"), '{"time": 1, "type": "dream"}\n');
    const { stdout, error } = await command(addRuns, ["runs", root]);
    expect(error).toBeUndefined();
    expect(stdout).toMatch(/later +unreadable +\?\/\? +– +– +– +\d+ s ago\n.*done +completed/);
    const [first = ""] = (await command(addRuns, ["runs", root, "--json"])).stdout.split("\n");
    const said = { code: "file_error", message: expect.stringContaining("line 1 is no event of a run") as string };
    expect(JSON.parse(first)).toMatchObject({ output: join(root, "later"), state: "unreadable", error: said });
  });

  it("says when there are none, and when there is no such folder", async () => {
    const none = glip(["runs"], {}, temporaryFolder());
    expect([none.stdout, none.stderr, none.status]).toEqual(["There are no runs.\n", "", 0]);
    expect(await command(addRuns, ["runs", temporaryFolder()])).toEqual({
      stdout: "There are no runs.\n",
      error: undefined,
    });
    expect((await command(addRuns, ["runs", "/no/runs"])).error).toContain("Cannot look for runs in /no/runs: ENOENT");
  });
});
