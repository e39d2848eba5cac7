import { once } from "node:events";
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { TrainingEvent } from "../../../src/training/events.ts";
import { type AttachOptions, attachRun } from "../../../src/training/folder/attach.ts";
import { folderControl } from "../../../src/training/folder/control.ts";
import { followRun } from "../../../src/training/folder/follow.ts";
import { within } from "../../support/connection.ts";
import { failure } from "../../support/faults.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { finishedRun, startedRun } from "../../support/runs.ts";

async function collect(run: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

const stepsOf = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === "step" ? [event.step] : []));
const upTo = (last: number): number[] => Array.from({ length: last }, (_, index) => index + 1);

/** What would be there for the next run in the folder to stumble over. */
const asked = (output: string): string[] => readdirSync(output).filter((name) => /^\.(stop|checkpoint)$/.test(name));

describe("a run that has ended", () => {
  it("gives all of its events and its result", async () => {
    const output = await finishedRun({ steps: 10 });
    const run = attachRun(output);
    expect(run.output).toBe(output);
    const events = await within(20_000, collect(run));
    expect(stepsOf(events)).toEqual(upTo(10));
    expect(events[0]).toEqual({
      type: "start",
      step: 0,
      totalSteps: 10,
      config: join(output, "config.json"),
      command: ["python", "-m", "glipv2.training", output],
    });
    expect(events.find(({ type }) => type === "step")).toMatchObject({
      step: 1,
      totalSteps: 10,
      losses: { tokens: expect.any(Number) as number, total: expect.any(Number) as number },
      picturesPerSecond: 8000,
      memoryBytes: 2 ** 30,
    });
    expect(events.find(({ type }) => type === "evaluation")).toEqual({
      type: "evaluation",
      step: 0,
      metrics: { AP: 0, AP50: 0, APs: null },
      replayMetrics: null,
    });
    expect(events.find(({ type }) => type === "warning")).toEqual({
      type: "warning",
      text: "2 boxes outside of their pictures were left out",
    });
    expect(events.find(({ type }) => type === "sample")).toMatchObject({
      categories: ["red circle", "<star>"],
      objects: [{ label: "red circle", score: 0.91, box: [20, 30, 90, 100] }, { label: "<star>" }],
    });
    const checkpoint = join(output, "checkpoints", "step-00000010", "model.safetensors");
    const result = await run.result;
    expect(result).toMatchObject({ output, checkpoint, best: checkpoint, ended: "completed", steps: 10, prompt: null });
    expect(events.at(-1)).toEqual({ type: "done", result });
    await within(100, run.ended);
  });

  it("gives its result alone", async () => {
    const output = await finishedRun({ steps: 5 });
    expect(await within(20_000, attachRun(output).result)).toMatchObject({
      ended: "completed",
      metricsBefore: { AP: 0 },
    });
  });

  it("gives the error that it failed with, and what came before", async () => {
    const output = await finishedRun({ steps: 7, end: "failed" });
    const run = attachRun(output);
    const events: TrainingEvent[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of run) events.push(event);
    };
    const error = await within(20_000, failure(loop(), "loss_not_finite"));
    expect(stepsOf(events)).toEqual(upTo(7));
    const checkpoint = join(output, "checkpoints", "step-00000005", "model.safetensors");
    expect(error.details).toEqual({ step: 7, losses: { tokens: null, total: null }, output, checkpoint });
    expect(error.message).toContain(checkpoint);
    await failure(run.result, "loss_not_finite");
  });

  it("is not asked to stop", async () => {
    const output = await finishedRun({ steps: 3 });
    await attachRun(output).stop();
    await attachRun(output).checkpoint();
    expect(asked(output)).toEqual([]);
  });
});

describe("a run that runs", () => {
  it("is followed to its end", async () => {
    const { output } = await startedRun({ steps: 30, pauseMs: 20 });
    const run = attachRun(output);
    expect(stepsOf(await within(10_000, collect(run)))).toEqual(upTo(30));
    expect(await run.result).toMatchObject({ steps: 30, ended: "completed" });
  });

  it("stops when it is asked, with a checkpoint", async () => {
    const { output, child } = await startedRun({ steps: 10_000, pauseMs: 5 });
    const run = attachRun(output);
    const exit = once(child, "exit");
    const events: TrainingEvent[] = [];
    for await (const event of run) {
      events.push(event);
      if (event.type === "step" && event.step === 3) await run.stop();
    }
    const result = await run.result;
    expect(result).toMatchObject({
      ended: "stopped",
      checkpoint: expect.stringContaining("model.safetensors") as string,
    });
    expect(result.steps).toBeLessThan(10_000);
    expect(existsSync(result.checkpoint as string)).toBe(true);
    expect(await exit).toEqual([75, null]);
    expect(asked(output)).toEqual([]);
  });

  it("writes a checkpoint when it is asked, and goes on", async () => {
    // Unasked, it writes one each five steps.
    const { output } = await startedRun({ steps: 10_000, pauseMs: 10 });
    const run = attachRun(output);
    const seen: string[] = [];
    for await (const event of run) {
      if (event.type === "step" && event.step === 1) await run.checkpoint();
      if (event.type === "checkpoint" && (event.step as number) % 5 > 0) seen.push("asked for");
      if (event.type === "step" && seen.length > 0) seen.push("step");
      if (seen.length > 3) break;
    }
    expect(seen).toEqual(["asked for", "step", "step", "step"]);
  });

  it("goes on when nobody watches it any more", async () => {
    const { output, child } = await startedRun({ steps: 10_000, pauseMs: 10 });
    const left = attachRun(output);
    for await (const event of left) if (event.type === "step") break;
    await failure(left.result, "cancelled");
    await within(500, left.ended);
    const cancelled = attachRun(output);
    const loop = collect(cancelled);
    await cancelled.cancel();
    expect((await failure(loop, "cancelled")).message).toContain("it goes on");
    const { signal, abort } = controller();
    const aborted = attachRun(output, { signal });
    const reason = new Error("enough");
    setTimeout(() => abort(reason), 50);
    expect((await failure(aborted.result, "cancelled")).cause).toBe(reason);
    {
      await using block = attachRun(output);
      expect(await block[Symbol.asyncIterator]().next()).toMatchObject({ value: { type: "start" } });
    }
    expect(child.exitCode).toBeNull();
    expect(asked(output)).toEqual([]);
    const before = readFileSync(join(output, "events.jsonl")).length;
    await sleep(100);
    expect(readFileSync(join(output, "events.jsonl")).length).toBeGreaterThan(before);
  });

  it("that is killed is an error that names its last checkpoint and shows its log", async () => {
    const { output, child } = await startedRun({ steps: 10_000, pauseMs: 10 });
    writeFileSync(join(output, "run.log"), "first line\nlast words\n");
    const run = attachRun(output);
    const steps: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of run) {
        if (event.type === "step") steps.push(event.step);
        if (event.type === "step" && event.step === 7) child.kill("SIGKILL");
      }
    };
    const error = await within(20_000, failure(loop(), "training_failed"));
    expect(steps.length).toBeGreaterThanOrEqual(7);
    const checkpoint = join(output, "checkpoints", "step-00000005", "model.safetensors");
    expect(error.message).toContain(`its process ${child.pid} ended without a word`);
    expect(error.message).toContain(steps.length < 10 ? checkpoint : "checkpoints");
    expect(error.details).toMatchObject({ output, lastLogLines: ["first line", "last words"] });
  });
});

describe("a run that went on after an interruption", () => {
  it("has each step once, and one end", async () => {
    const output = await finishedRun({ steps: 8, end: "silence" });
    // What a kill leaves of a line that is being written; the next process ends that line first.
    appendFileSync(join(output, "events.jsonl"), '{"time": 1, "type": "st\n');
    await finishedRun({ steps: 12, first: 5 }, output);
    const events = await within(20_000, collect(attachRun(output)));
    expect(stepsOf(events)).toEqual(upTo(12));
    expect(events.filter(({ type }) => type === "done")).toHaveLength(1);
    expect(events.flatMap((event) => (event.type === "start" ? [event.step] : []))).toEqual([0, 5]);
    expect(events.flatMap((event) => (event.type === "checkpoint" ? [event.step] : []))).toEqual([5, 10]);
  });

  it("has not ended as it had before", async () => {
    const output = await finishedRun({ steps: 7, end: "failed" });
    await finishedRun({ steps: 9, first: 5 }, output);
    expect(await within(20_000, attachRun(output).result)).toMatchObject({ ended: "completed", steps: 9 });
  });
});

describe("a run that has not begun", () => {
  const warning = '{"time":1,"type":"warning","text":"2 boxes were left out"}\n';
  const long = new Date(Date.now() - 3_600_000);

  /** A folder in which nothing has changed for an hour. */
  function abandoned(events: string): string {
    const output = temporaryFolder();
    writeFileSync(join(output, "run.log"), "last words\n");
    writeFileSync(join(output, "events.jsonl"), events);
    for (const name of ["run.log", "events.jsonl", "."]) utimesSync(join(output, name), long, long);
    return output;
  }

  it.each([
    ["nothing", ""],
    ["a warning", warning],
  ])("and was killed is an error that says what to do, with %s in its events", async (_, events) => {
    const output = abandoned(events);
    const error = await within(5000, failure(attachRun(output).result, "training_failed"));
    expect(error.message).toContain(`The run in ${output} never began: `);
    expect(error.message).toContain("Start it again");
    expect(error.details).toMatchObject({ output, lastLogLines: ["last words"] });
    await within(5000, failure(attachRun(output).stop(), "training_failed"));
    await within(5000, failure(attachRun(output).checkpoint(), "training_failed"));
    expect(asked(output)).toEqual([]);
  });

  it("is waited for while its folder changes", async () => {
    const output = abandoned("");
    const watched = failure(followRun(output, { from: "all", patienceMs: 1500 }).result, "training_failed");
    const stopped = failure(folderControl(output, -Infinity, undefined, 1500).stop(), "training_failed");
    const start = performance.now();
    appendFileSync(join(output, "events.jsonl"), warning);
    await within(20_000, Promise.all([watched, stopped]));
    expect(performance.now() - start).toBeGreaterThan(1400);
  });

  it("is waited for while the process lives that holds its folder", async () => {
    const output = abandoned("");
    const lock = join(output, ".lock");
    writeFileSync(lock, JSON.stringify({ pid: process.pid, host: hostname() }));
    utimesSync(output, long, long);
    const run = followRun(output, { from: "all", patienceMs: 0 });
    const stopped = folderControl(output, -Infinity, undefined, 0).stop();
    await sleep(1000);
    await startedRun({ steps: 10_000, pauseMs: 5 }, output);
    await within(20_000, stopped);
    expect(await within(20_000, run.result)).toMatchObject({ ended: "stopped" });
  });

  it("and failed is not asked, and gives its error", async () => {
    const failed = {
      time: 1,
      type: "failed",
      code: "out_of_memory",
      message: "No room.",
      details: {},
      checkpoint: null,
    };
    const output = abandoned(`${JSON.stringify(failed)}\n`);
    await within(5000, attachRun(output).stop());
    expect(asked(output)).toEqual([]);
    await failure(attachRun(output).result, "out_of_memory");
  });
});

describe("no run", () => {
  it.each([
    ["a folder that is not there", (folder: string) => join(folder, "nowhere")],
    ["an empty folder", (folder: string) => folder],
  ])("is said at once: %s", (_, where) => {
    const folder = where(temporaryFolder());
    expect(() => attachRun(folder)).toThrow(`No run in ${folder}: there is no events.jsonl in it`);
  });

  it("is a folder with events of something else", async () => {
    const folder = join(temporaryFolder(), "run");
    mkdirSync(folder);
    writeFileSync(join(folder, "events.jsonl"), '{"type":"start"}\n');
    const error = await failure(attachRun(folder).result, "file_error");
    expect(error.message).toMatch(/events\.jsonl: line 1 is no event of a run: \w+: /);
  });

  it.each<[unknown, unknown, string]>([
    [1, {}, "folder: expected string, got 1"],
    ["", {}, "folder: expected string with >=1 characters"],
    ["x", { signal: 1 }, "options.signal: expected AbortSignal, got 1"],
  ])("is %j with %j", (folder, options, message) => {
    expect(() => attachRun(folder as string, options as AttachOptions)).toThrow(message);
  });
});

function controller() {
  const made = new AbortController();
  return { signal: made.signal, abort: (reason: unknown) => made.abort(reason) };
}
