import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
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
    const { status, stdout } = glip(["runs", root]);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.trim().split(/ {2,}/));
    expect(rows[0]).toEqual(["run", "state", "step", "loss", "metric", "left", "changed"]);
    expect(rows.slice(1).map(([name, state, step]) => [name, state, step])).toEqual([
      [join(root, "live"), "running", expect.stringMatching(/^\d\/10000$/)],
      [join(root, "sweep", "seed=1"), "failed", "7/7"],
      [join(root, "done"), "completed", "5/5"],
    ]);
    expect(status).toBe(0);
    const json = glip(["runs", root, "--json"]).stdout.trimEnd().split("\n");
    expect(JSON.parse(json[1] as string)).toMatchObject({
      output: join(root, "sweep", "seed=1"),
      state: "failed",
      step: 7,
      totalSteps: 7,
      metrics: { AP: expect.any(Number) as number, APs: null },
      error: { code: "loss_not_finite" },
    });
  });

  it("says when there are none, and when there is no such folder", () => {
    expect(glip(["runs", temporaryFolder()])).toMatchObject({ status: 0, stdout: "There are no runs.\n" });
    const { status, stderr } = glip(["runs", "/no/runs"]);
    expect(stderr).toContain("glip: error [file_error]: Cannot look for runs in /no/runs: ENOENT");
    expect(status).toBe(1);
  });
});

describe("glip report", { timeout: 60_000 }, () => {
  it("writes a page and says where", async () => {
    const output = await finishedRun({ steps: 5 });
    expect(glip(["report", output])).toMatchObject({ status: 0, stdout: `${join(output, "report.html")}\n` });
    const file = join(temporaryFolder(), "page.html");
    expect(glip(["report", output, "--out", file])).toMatchObject({ status: 0, stdout: `${file}\n` });
    expect(glip(["report", temporaryFolder()])).toMatchObject({ status: 1 });
  });
});
