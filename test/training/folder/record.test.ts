import { appendFileSync, mkdirSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { listRuns } from "../../../src/training/folder/list.ts";
import { lastOf, readRun } from "../../../src/training/folder/record.ts";
import { failure } from "../../support/faults.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { finishedRun, startedRun } from "../../support/runs.ts";

describe("a run's folder", () => {
  it.each([
    [{ steps: 5 }, "completed", 5],
    [{ steps: 7, end: "failed" }, "failed", 7],
    [{ steps: 7, end: "silence" }, "lost", 7],
  ] as const)("after %j says that it is %s", async (plan, state, step) => {
    const output = await finishedRun(plan);
    const run = await readRun(output);
    expect(run).toMatchObject({
      output,
      name: "run",
      state,
      config: { kind: "pretrain" },
      environment: { torch: "2.9.0" },
    });
    expect(lastOf(run.events, "step")?.step).toBe(step);
    expect(Date.now() - run.changed).toBeLessThan(60_000);
  });

  it("says that it runs, and that it does not any more", async () => {
    const { output, child } = await startedRun({ steps: 10_000 });
    expect((await readRun(output)).state).toBe("running");
    child.kill("SIGKILL");
    await expect.poll(async () => (await readRun(output)).state, { timeout: 20_000 }).toBe("lost");
  });

  it("does not take another process with its id for the run", async () => {
    const output = await finishedRun({ steps: 1, end: "silence" });
    const long = Date.now() / 1000 - 10 * 365 * 86400;
    const start = {
      time: long,
      type: "start",
      step: 0,
      total_steps: 1,
      config: "",
      command: [],
      output,
      host: hostname(),
    };
    writeFileSync(join(output, "events.jsonl"), `${JSON.stringify({ ...start, pid: process.pid })}\n`);
    expect((await readRun(output)).state).toBe("lost");
    writeFileSync(
      join(output, "events.jsonl"),
      `${JSON.stringify({ ...start, time: Date.now() / 1000, pid: process.pid })}\n`,
    );
    expect((await readRun(output)).state).toBe("running");
  });

  it("may lack what others write, or have it damaged", async () => {
    const output = await finishedRun({ steps: 1 });
    writeFileSync(join(output, "config.json"), "{");
    writeFileSync(join(output, "environment.json"), "[]");
    expect(await readRun(output)).toMatchObject({ state: "completed", config: undefined });
  });

  it("is none without events", async () => {
    const error = await failure(readRun(temporaryFolder()), "file_error");
    expect(error.message).toMatch(/^Cannot read the events in .*events\.jsonl: ENOENT/);
  });
});

describe("a folder of runs", () => {
  it("lists them, also of sweeps, the last one first, and nothing inside of them", async () => {
    const root = temporaryFolder();
    await finishedRun({ steps: 1 }, join(root, "first"));
    await finishedRun({ steps: 1 }, join(root, "sweep", "seed=1"));
    mkdirSync(join(root, "first", "inner"));
    writeFileSync(join(root, "first", "inner", "events.jsonl"), "");
    mkdirSync(join(root, "a", "b", "c", "deep"), { recursive: true });
    writeFileSync(join(root, "a", "b", "c", "deep", "events.jsonl"), "");
    expect((await listRuns(root)).map(({ output }) => output)).toEqual([
      join(root, "sweep", "seed=1"),
      join(root, "first"),
    ]);
    expect((await listRuns(join(root, "first"))).map(({ output }) => output)).toEqual([join(root, "first")]);
  });

  it("may have one whose events are of another kind, and folders that nobody may read", async () => {
    const root = temporaryFolder();
    await finishedRun({ steps: 1 }, join(root, "good"));
    const later = join(root, "later");
    await finishedRun({ steps: 1 }, later);
    appendFileSync(join(later, "events.jsonl"), '{"time": 1, "type": "dream"}\n');
    mkdirSync(join(root, "locked"), { mode: 0o000 });
    const runs = await listRuns(root);
    expect(runs.map(({ output, state }) => [output, state])).toEqual([
      [later, "unreadable"],
      [join(root, "good"), "completed"],
    ]);
    expect(runs[0]).toMatchObject({ error: { code: "file_error" } });
  });

  it("is said when it is not there", async () => {
    expect((await failure(listRuns("/no/runs"), "file_error")).message).toContain("Cannot look for runs in /no/runs");
  });
});
