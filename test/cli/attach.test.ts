import { once } from "node:events";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { addAttach } from "../../src/cli/attach.ts";
import { command } from "../support/command.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { glip, startGlip } from "../support/glip.ts";
import { finishedRun, startedRun } from "../support/runs.ts";

beforeAll(requireBuild);

describe("glip attach", { timeout: 120_000 }, () => {
  it("shows a run to its end, line by line in a pipe", async () => {
    const { output } = await startedRun({ steps: 12, pauseMs: 100 });
    const { status, stdout, stderr } = glip(["attach", output]);
    expect(stderr).toContain(
      "warning: 2 boxes outside of their pictures were left out\nbefore training: AP 0.000   AP50 0.000",
    );
    expect(stderr).toMatch(
      /^step 12 of 12 {2}total \d\.\d+ {2}tokens 0\.\d+ {2}boxes 0\.\d+ {2}80\.0 pictures\/s {2}0 s left$/m,
    );
    const checkpoint = join(output, "checkpoints", "step-00000010", "model.safetensors");
    expect(stdout).toBe(
      `completed after 12 of 12 steps, 13 s
AP    0.280  (before: 0.000)
AP50  0.419  (before: 0.000)
APs       –      (before: –)
checkpoint ${checkpoint}
best       ${checkpoint}
`,
    );
    expect(status).toBe(0);
  });

  it("prints JSON for programs", async () => {
    const output = await finishedRun({ steps: 3 });
    const { stdout, error } = await command(addAttach, ["attach", output, "--json"]);
    const lines = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as { type?: string; ended?: string });
    expect(lines.map(({ type }) => type).filter((type) => type === "step")).toHaveLength(3);
    expect(lines.at(-1)).toMatchObject({ ended: "completed", steps: 3, output });
    expect(error).toBeUndefined();
  });

  it("leaves the run running when it is left", async () => {
    const { output, child: run } = await startedRun({ steps: 10_000, pauseMs: 20 });
    const { child, printed } = startGlip(["attach", output]);
    await expect.poll(() => printed.err, { timeout: 60_000 }).toContain("step 1 of");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(printed.err).toMatch(/It goes on\n$/);
    expect(printed.out).toBe("");
    expect(run.exitCode).toBeNull();
  });

  it("leaves it running when nobody reads what it prints", async () => {
    const { output, child: run } = await startedRun({ steps: 10_000, pauseMs: 20 });
    const { child, printed } = startGlip(["attach", output, "--json"]);
    child.stdout?.destroy();
    expect(await once(child, "exit")).toEqual([0, null]);
    expect(printed.err).toBe("");
    expect(run.exitCode).toBeNull();
  });

  it("asks for a checkpoint, and for the end", async () => {
    const { output, child } = await startedRun({ steps: 10_000, pauseMs: 20 });
    const exit = once(child, "exit");
    expect(await command(addAttach, ["attach", output, "--checkpoint", "--stop"])).toEqual({
      stdout: "",
      error: undefined,
    });
    expect(await exit).toEqual([75, null]);
    expect((await command(addAttach, ["attach", output, "--json"])).stdout).toContain('"ended":"stopped"');
  });

  it("says why the run failed, that it was killed, or that there is none", async () => {
    const attach = async (output: string) => (await command(addAttach, ["attach", output, "--json"])).error;
    expect(await attach(await finishedRun({ steps: 7, end: "failed" }))).toContain(
      "The loss of step 7 is not a finite",
    );
    expect(await attach(await finishedRun({ steps: 7, end: "silence" }))).toContain("ended without a word");
    expect(await attach(temporaryFolder())).toContain("there is no events.jsonl in it");
  });

  it("ends with 1 then", async () => {
    const { status, stderr } = glip(["attach", await finishedRun({ steps: 7, end: "failed" })]);
    expect(stderr).toContain("glip: error [loss_not_finite]: The loss of step 7 is not a finite number.");
    expect(status).toBe(1);
  });
});
