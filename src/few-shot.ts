import { existsSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { coco } from "./datasets/coco.ts";
import { type OdinwFiles, OdinwFolder } from "./datasets/odinw-files.ts";
import { DEFAULT_MODEL } from "./environment/weights/shipped.ts";
import { GlipError } from "./errors.ts";
import type { Glip } from "./glip.ts";
import { launch } from "./launch.ts";
import type { LaunchOptions } from "./options.ts";
import { text, uint32 } from "./protocol/fields.ts";
import { checkArgument } from "./protocol/validate.ts";
import { sweep, type SweepOptions } from "./sweep.ts";
import type { Metrics } from "./training/events.ts";
import type { NativeFinetuneOptions } from "./training/native/options.ts";
import type { TrainResult } from "./training/results.ts";
import { type FewShotMean, overSets } from "./training/sweep/over-sets.ts";
import type { SweepResult } from "./training/sweep/result.ts";
import type { SweepGrid } from "./training/sweep/points.ts";

/** What of a training is not the protocol's own. */
export type FewShotTraining = Partial<
  Omit<
    NativeFinetuneOptions,
    "train" | "val" | "method" | "shots" | "shotSeed" | "output" | "resume" | "detached" | "signal"
  >
>;

export const fewShotMethods = ["full", "linear-probe", "prompt"] as const;
export type FewShotMethod = (typeof fewShotMethods)[number];

export interface FewShotOptions extends Pick<
  SweepOptions<SweepGrid>,
  "output" | "launch" | "devices" | "parallel" | "onEvent" | "signal"
> {
  /**
   * Sets of ODinW, or of your own in its form, by name: the folder of each, with its splits.
   * @example { Aquarium: "/data/odinw/Aquarium/Aquarium Combined.v2-raw-1024.coco" }
   */
  sets: Readonly<Record<string, string>>;
  /** Pictures of each category. @default [1, 3, 5, 10] */
  shots?: readonly number[] | undefined;
  /** By which they are drawn. @default [3, 30, 300] */
  seeds?: readonly number[] | undefined;
  /** What is trained; `prompt`: nothing of the model, which reads each set by a tuned prompt. @default "full" */
  method?: FewShotMethod | undefined;
  /** What is to differ from the recipe, such as `steps`. @default {} */
  training?: FewShotTraining | undefined;
}

export interface FewShotResult {
  /** A row for each set, number of shots and seed; a group for each set and number of shots, over the seeds. */
  table: SweepResult;
  /** For each number of shots, the mean over sets: its mean over the seeds, and its deviation. */
  overall: readonly FewShotMean[];
}

const numbers = z.array(uint32).min(1);
/** What `sweep` checks. */
const its = {
  devices: z.unknown().optional(),
  parallel: z.unknown().optional(),
  onEvent: z.unknown().optional(),
  signal: z.unknown().optional(),
};
const schema = z.strictObject({
  ...its,
  launch: z.looseObject({ engine: z.literal("native").optional() }).optional(),
  sets: z.record(
    text.min(1),
    text.min(1).transform((folder) => resolve(folder)),
  ),
  shots: z.array(uint32.min(1)).min(1).default([1, 3, 5, 10]),
  seeds: numbers.default([3, 30, 300]),
  method: z.enum(fewShotMethods).default("full"),
  training: z.record(z.string(), z.unknown()).default({}),
  output: text.min(1).transform((folder) => resolve(folder)),
});

/** By which the measuring worker knows what was tuned. */
const PROMPT = "tuned";

/** Copies of 10, 5, 3 and 1 shots in an epoch, as the official recipe has them. */
const COPIES = [
  [10, 1],
  [5, 2],
  [3, 4],
  [1, 8],
] as const;

/** The official recipe's; its patience, and with it 200 epochs at most, needs pictures to measure on meanwhile. */
const recipe = { batchSize: 4, ema: 0 } as const;
const PATIENCE = { learningRate: 3, stop: 8 } as const;

/**
 * The few-shot protocol of ODinW: for each set, number of shots and seed a fine-tuning, measured on `test`, or on `valid`
 * where there is none, by COCO's rules. Pictures to learn from are those that come with the set
 * (`train/fewshot_train_shot3_seed30.json`), or else drawn by its rule. Those of `valid` that come with it decide which
 * checkpoint is measured and when training ends; without them the last is. The same call in the same folder goes on
 * where it was interrupted, also with runs that were stopped. Engine `native`.
 *
 * @throws GlipError `invalid_argument`, also for the folder of another method, training or model; and as `sweep`
 */
export async function fewShot(options: FewShotOptions): Promise<FewShotResult> {
  const { sets, shots, seeds, method, training, output } = checkArgument(schema, options, "options");
  const folders = Object.fromEntries(Object.entries(sets).map(([name, folder]) => [name, new OdinwFolder(folder)]));
  for (const [name, folder] of Object.entries(folders)) check(`options.sets.${name}`, folder);
  const { launch: given = {}, devices, parallel, onEvent, signal } = options;
  const base = launched(given);
  const table = await sweep({
    grid: { set: folders, shots, seed: seeds },
    over: "seed",
    run: (glip, { set, shots: count, seed }, place) => {
      const { output: run, resume, signal: stop } = place;
      const data = dataOf(set, count, seed);
      const chosen = {
        ...recipe,
        // A tuned prompt freezes the model whole.
        ...(method !== "prompt" && { frozenStages: 2 }),
        ...(data.val !== undefined && { patience: PATIENCE }),
        seed,
        ...training,
      };
      return glip.finetune({ ...chosen, ...data, method, output: run, resume, signal: stop });
    },
    measure: async (result, { set }, glip) => {
      const { best, checkpoint, prompt = null } = result;
      await using tuned = await launch({
        ...learnt(base, prompt, best ?? checkpoint),
        device: deviceOf(glip),
        signal,
      });
      if (prompt !== null) await tuned.usePrompts({ [PROMPT]: prompt });
      const { annotations, images } = measuredOf(set) as OdinwFiles;
      const data = coco(annotations, images);
      // An interrupted measurement goes on, too.
      const place = { output: measuredIn(result), resume: true, signal };
      const measured = { benchmark: "coco", data, prompt: prompt === null ? undefined : PROMPT, ...place } as const;
      return (await tuned.evaluate(measured).result).metrics.box satisfies Metrics;
    },
    output,
    settings: { method, training, ...modelOf(base) },
    launch: base,
    devices,
    parallel,
    onEvent,
    signal,
  });
  return { table, overall: overSets(table.rows, "AP") };
}

/** Of the engine native; told nothing of a model, with the one that ships. */
function launched(given: LaunchOptions): LaunchOptions {
  const { model, config, weights } = given;
  const named = model !== undefined || config !== undefined || weights !== undefined;
  return { ...given, engine: "native", model: named ? model : DEFAULT_MODEL };
}

/** What each run starts from. */
function modelOf({ model, config, weights, settings = {}, dtype = "float32" }: LaunchOptions) {
  const placed = (name?: string) => (name !== undefined && existsSync(name) ? resolve(name) : name);
  return { model, config: placed(config), weights: placed(weights), settings, dtype };
}

/** A run that was stopped and measured goes on, to other checkpoints: each is measured in a folder of its own. */
function measuredIn({ output, best, checkpoint, steps }: TrainResult): string {
  const weights = best ?? checkpoint;
  // A prompt is no checkpoint: its file lies beside them, and is written again at each end.
  const name = weights === null ? `step-${String(steps).padStart(8, "0")}` : basename(dirname(weights));
  return join(output, "measured", name);
}

/** The model to measure: the one that a prompt was tuned for, or the weights that the training left. */
function learnt(base: LaunchOptions, prompt: string | null, weights: string | null): LaunchOptions {
  if (prompt !== null) return base;
  if (weights === null) throw new Error("the training left no checkpoint");
  const { model: _, config: __, settings: ___, ...rest } = base;
  return { ...rest, weights };
}

function dataOf(set: OdinwFolder, shots: number, seed: number) {
  const copies = COPIES.find(([least]) => shots >= least)?.[1] ?? 1;
  const of = ({ annotations, images }: OdinwFiles) => coco(annotations, images, { copies });
  const drawn = set.drawn("train", shots, seed);
  const train =
    drawn === undefined ? { shots, shotSeed: seed, train: of(set.split("train") as OdinwFiles) } : { train: of(drawn) };
  const known = set.drawn("val", shots, seed);
  return { ...train, val: known && coco(known.annotations, known.images) };
}

function measuredOf(set: OdinwFolder): OdinwFiles | undefined {
  return set.split("test") ?? set.split("val") ?? set.split("minival");
}

/** @throws GlipError `file_error` before anything is trained */
function check(path: string, set: OdinwFolder): void {
  const lacks =
    set.split("train") === undefined ? "train" : measuredOf(set) === undefined ? "test or valid" : undefined;
  if (lacks === undefined) return;
  const reason = `${path}: expected the folder of a set of ODinW, got one without annotations of ${lacks}`;
  throw new GlipError("file_error", `${set.folder}: ${reason}`, { path: set.folder, reason });
}

function deviceOf({ info: { device } }: Glip): string {
  return device.index === null ? device.type : `${device.type}:${device.index}`;
}
