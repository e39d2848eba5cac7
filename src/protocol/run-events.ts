import { z } from "zod";
import { anyValue, uint53 } from "./fields.ts";

/** Names and values; null: not a finite number, or nothing to measure. */
export const runMetrics = z.record(z.string(), z.number().nullable());

/** A box with its name, as the model sees it. */
const seen = z
  .strictObject({
    label: z.string(),
    score: z.number(),
    /** `[x1, y1, x2, y2]` in pixels of the picture. */
    box: z.array(z.number()).length(4),
  })
  .meta({ title: "SeenObject" });

/** When it was written, in seconds since 1970. */
const time = z.number();

const ended = z.enum(["completed", "plateau", "stopped"]);

const outcome = {
  output: z.string(),
  /** The run's `config.json`. */
  config: z.string(),
  /** Files of weights that `model.load` takes: the last, and the best by validation; null when none was written. */
  checkpoint: z.string().nullable(),
  best: z.string().nullable(),
  /** The tuned prompt's file; null for the other methods. */
  prompt: z.string().nullable(),
  steps: uint53,
  total_steps: uint53,
  /** Of the last evaluation; null when there was none. */
  metrics: runMetrics.nullable(),
  /** Of what the run started from, before its first step; null unless it was asked for. */
  metrics_before: runMetrics.nullable(),
  /** The same of what must not be forgotten, `replay.validation`; null when there is none. */
  replay_metrics: runMetrics.nullable(),
  replay_metrics_before: runMetrics.nullable(),
  /** Time at work, that before a resumption included. */
  seconds: z.number(),
};

/** How a run ended, for its `result.json` and its last event. */
export const runDone = z.strictObject({ time, type: z.literal("done"), ...outcome, ended }).meta({ title: "RunDone" });

export type RunDone = z.output<typeof runDone>;

/** What `training.run` gives: `detached` when the run goes on without the worker. */
export const runResult = z
  .strictObject({ ...outcome, ended: z.enum([...ended.options, "detached"]) })
  .meta({ title: "RunResult" });

const start = z
  .strictObject({
    time,
    type: z.literal("start"),
    /** Steps that are done already: more than 0 when a run goes on. What it wrote of later steps counts no more. */
    step: uint53,
    total_steps: uint53,
    /** The run's `config.json`. */
    config: z.string(),
    /** What runs, as one would type it. */
    command: z.array(z.string()),
    output: z.string(),
    /** The process that is the run, parent of all ranks, and on which host. */
    pid: uint53,
    host: z.string(),
  })
  .meta({ title: "RunStart" });

const step = z
  .strictObject({
    time,
    type: z.literal("step"),
    /** Counts from 1. */
    step: uint53,
    total_steps: uint53,
    /** Passes through the data so far, with a fraction. */
    epoch: z.number(),
    /** Weighted, averaged over the processes; `total` is their sum. */
    losses: runMetrics,
    learning_rate: z.number(),
    /** Of the whole step, and of it waiting for pictures. */
    seconds: z.number(),
    data_seconds: z.number(),
    /** Of all processes together. */
    pictures_per_second: z.number(),
    /** Most device memory so far, of the first process; on the CPU, of its resident memory. */
    memory_bytes: uint53.nullable(),
    eta_seconds: z.number(),
  })
  .meta({ title: "RunStep" });

const progress = z
  .strictObject({
    time,
    type: z.literal("progress"),
    pictures: uint53,
    total_pictures: uint53,
    eta_seconds: z.number(),
  })
  .meta({ title: "RunProgress" });

const evaluation = z
  .strictObject({
    time,
    type: z.literal("evaluation"),
    /** 0: before the first step. */
    step: uint53,
    metrics: runMetrics,
    /** Of what must not be forgotten, `replay.validation`; null when there is none. */
    replay_metrics: runMetrics.nullable(),
  })
  .meta({ title: "RunEvaluation" });

const checkpoint = z
  .strictObject({
    time,
    type: z.literal("checkpoint"),
    step: uint53,
    /** The file of weights. */
    path: z.string(),
    /** Whether it is the best by validation so far. */
    best: z.boolean(),
  })
  .meta({ title: "RunCheckpoint" });

const sample = z
  .strictObject({
    time,
    type: z.literal("sample"),
    step: uint53,
    /** The picture, as the data has it. */
    path: z.string(),
    /** What the model was asked: a caption, or categories. The other is null. */
    caption: z.string().nullable(),
    categories: z.array(z.string()).nullable(),
    /** Best score first. */
    objects: z.array(seen),
  })
  .meta({ title: "RunSample" });

const warning = z.strictObject({ time, type: z.literal("warning"), text: z.string() }).meta({ title: "RunWarning" });
const log = z.strictObject({ time, type: z.literal("log"), text: z.string() }).meta({ title: "RunLog" });

const failed = z
  .strictObject({
    time,
    type: z.literal("failed"),
    /** The error that the worker answers with. */
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), anyValue),
    /** The last good checkpoint's file of weights; null when there is none. */
    checkpoint: z.string().nullable(),
  })
  .meta({ title: "RunFailed" });

/** A line of a run's `events.jsonl`. `done` or `failed` is the last of a run that ended by itself. */
export const runEvent = z
  .discriminatedUnion("type", [start, step, progress, evaluation, checkpoint, sample, warning, log, failed, runDone])
  .meta({ title: "RunEvent" });

export type RunEvent = z.output<typeof runEvent>;
