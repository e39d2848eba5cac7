import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import { GlipError, isGlipError, messageOf } from "./errors.ts";
import type { Glip } from "./glip.ts";
import { launch } from "./launch.ts";
import { type LaunchOptions, launchOptions } from "./options.ts";
import { text } from "./protocol/fields.ts";
import { checkArgument } from "./protocol/validate.ts";
import type { Metrics, TrainingEvent } from "./training/events.ts";
import { attachRun } from "./training/folder/attach.ts";
import { runFiles } from "./training/folder/files.ts";
import { lastOf, readRun } from "./training/folder/record.ts";
import type { TrainResult } from "./training/results.ts";
import { SweepBook } from "./training/sweep/book.ts";
import { type PlannedRun, planRuns, type SweepGrid, type SweepPoint } from "./training/sweep/points.ts";
import { spread } from "./training/sweep/queue.ts";
import { SweepResult } from "./training/sweep/result.ts";
import type { SweepRow } from "./training/sweep/rows.ts";
import type { TrainingRun } from "./training/training-run.ts";

/** Where one run of a sweep has its place. */
export interface SweepPlace {
  /** `seed=0,losses=all` */
  name: string;
  /** The run's own folder. */
  output: string;
  /** Whether it has a checkpoint there to go on from. */
  resume: boolean;
  /** Aborted when the sweep is given up. */
  signal: AbortSignal;
}

export interface SweepOptions<Grid extends SweepGrid> {
  /**
   * What varies, and its values: a run for every combination. Values that are no texts, numbers or booleans have names.
   * @example { seed: [0, 1, 2], losses: { grounding: {}, all: { inter: 1, mlm: 1 } } }
   */
  grid: Grid;
  /** Starts one of them, with the place's `output`, `resume` and `signal`. */
  run: (glip: Glip, point: SweepPoint<Grid>, place: SweepPlace) => TrainingRun | Promise<TrainingRun>;
  /** Measures more of what was trained; on a handle that is still open. @default the metrics of the training alone */
  measure?: (result: TrainResult, point: SweepPoint<Grid>, glip: Glip) => Metrics | Promise<Metrics>;
  /** The sweep's folder: a folder for each run, and `sweep.json`, `sweep.csv` and `sweep.md`. */
  output: string;
  /**
   * What all runs share and the grid does not say, such as the method: kept in the folder, where a sweep of another is
   * refused once something is trained. @default not compared
   */
  settings?: Readonly<Record<string, unknown>> | undefined;
  /** A value over which the others' means and deviations are taken, e.g. `seed`. @default none */
  over?: (keyof Grid & string) | undefined;
  /** How the workers are launched, one for each run. @default as `launch` does by itself */
  launch?: Omit<LaunchOptions, "device" | "devices" | "signal"> | undefined;
  /** Devices that the runs are queued over. @default ["auto"] */
  devices?: readonly string[] | undefined;
  /** Runs at once on each device. @default 1 */
  parallel?: number | undefined;
  /** Hears what happens in each run. @default none */
  onEvent?: ((name: string, event: TrainingEvent) => void) | undefined;
  /** Gives up; what has ended is kept, and the same sweep goes on from there. @default none */
  signal?: AbortSignal | undefined;
}

const callback = z.custom<(...given: never[]) => unknown>((value) => typeof value === "function", "a function");
const schema = z.strictObject({
  grid: z.unknown(),
  run: callback,
  measure: callback.optional(),
  output: text.min(1).transform((folder) => resolve(folder)),
  settings: z.record(z.string(), z.unknown()).optional(),
  over: text.optional(),
  launch: z.record(z.string(), z.unknown()).default({}),
  devices: z.array(launchOptions.shape.device.unwrap()).min(1).default(["auto"]),
  parallel: z.int().min(1).default(1),
  onEvent: callback.optional(),
  signal: z.instanceof(AbortSignal).optional(),
});

/**
 * Trains every point of a grid, one run after the other on each device, and puts what came of it into one table. A run
 * that fails is a row of the table; the others go on. The same call in the same folder goes on where it was interrupted:
 * what is done is not done again, and what has a checkpoint is resumed.
 *
 * @throws GlipError `invalid_argument`, `file_error`, `cancelled`, and what `launch` throws
 */
export async function sweep<const Grid extends SweepGrid>(options: SweepOptions<Grid>): Promise<SweepResult> {
  const checked = checkArgument(schema, options, "options");
  const { output, settings, over, devices, parallel, launch: given, signal } = checked;
  const runs = planRuns(options.grid);
  if (over !== undefined && !Object.hasOwn(options.grid, over)) {
    const details = {
      path: "options.over",
      expected: `one of ${Object.keys(options.grid).join(", ")}`,
      received: over,
    };
    throw new GlipError("invalid_argument", `options.over: expected ${details.expected}, got ${over}`, details);
  }
  const book = await SweepBook.open(output, { runs, over, settings });
  const left = runs.filter(({ name }) => !book.isDone(name));
  const places = devices.flatMap((device) => Array<string>(parallel).fill(device));
  const stop = signal ?? new AbortController().signal;
  await spread(left, places, async (run, device) => {
    await using glip = await launch({ ...given, device, signal: stop });
    await book.add(await train(options, run, join(output, run.name), glip, stop));
  });
  return new SweepResult(book);
}

async function train<Grid extends SweepGrid>(
  options: SweepOptions<Grid>,
  { name, labels, point: values }: PlannedRun,
  output: string,
  glip: Glip,
  signal: AbortSignal,
): Promise<SweepRow> {
  const point = values as SweepPoint<Grid>;
  try {
    const result = await follow(
      await begin(output, signal, (resume) => options.run(glip, point, { name, output, resume, signal })),
      signal,
      (event) => options.onEvent?.(name, event),
    );
    const metrics = { ...result.metrics, ...(await options.measure?.(result, point, glip)) };
    const { steps, seconds, checkpoint, ended } = result;
    if (ended === "detached") throw new Error("a run of a sweep must be followed to its end");
    return { name, output, labels, ended, steps, seconds, checkpoint, metrics: plain(metrics), error: null };
  } catch (error) {
    if (signal.aborted) throw new GlipError("cancelled", "The sweep was given up", {}, { cause: signal.reason });
    const failure = { code: isGlipError(error) ? error.code : "error", message: messageOf(error) };
    const nothing = { steps: null, seconds: null, checkpoint: null, metrics: {} };
    return { name, output, labels, ended: "failed", ...nothing, error: failure };
  }
}

/** Whether or not the run knows the signal, it ends with it. */
async function follow(
  run: TrainingRun,
  signal: AbortSignal,
  hear: (event: TrainingEvent) => void,
): Promise<TrainResult> {
  const cancel = (): void => void run.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    for await (const event of run) hear(event);
    return await run.result;
  } finally {
    signal.removeEventListener("abort", cancel);
    await run.cancel();
  }
}

/** A run that is there already is looked at again, or gone on with. */
async function begin(
  output: string,
  signal: AbortSignal,
  start: (resume: boolean) => TrainingRun | Promise<TrainingRun>,
): Promise<TrainingRun> {
  if (!existsSync(join(output, runFiles.events))) return start(false);
  const { state, events } = await readRun(output);
  if (state === "running" || state === "completed" || state === "plateau") return attachRun(output, { signal });
  return start(lastOf(events, "checkpoint") !== undefined);
}

function plain(metrics: Metrics): Record<string, number | null> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? null]));
}
