import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { z } from "zod";
import { glipHome } from "../../environment/home.ts";
import { acquireSetupLock } from "../../environment/setup-lock.ts";
import { GlipError } from "../../errors.ts";
import { text } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { EDITION } from "./compose/scene.ts";
import { throwIfAborted } from "./scenes.ts";
import { type SceneSplit, sceneSplits } from "./splits.ts";
import { type ScenesProgress, writeFailure, writePlan } from "./write.ts";

/** A split of the scenes as a folder: one that `writeScenes` or `glip scenes` wrote, or one of `sceneSplit`. */
export interface SceneFolder {
  format: "scenes";
  /** The folder of one split, with `instances.json` in it. */
  folder: string;
}

/** The splits that models are measured on. What is trained on is the caller's choice, and `writeScenes` writes it. */
export type MeasuredSplit = Extract<SceneSplit, `val${string}`>;

export interface SceneSplitOptions {
  /** The folder that keeps it. @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** @default none */
  signal?: AbortSignal | undefined;
  /** Called while it is drawn, which it is once. @default none */
  onProgress?: ((progress: ScenesProgress) => void) | undefined;
}

export const measuredSplits = sceneSplits.filter((split): split is MeasuredSplit => split.startsWith("val"));

const STANDARD = { count: 300, seed: 0, size: 256 };

const name = z.enum(measuredSplits);
const schema = z.strictObject({
  home: text.min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: ScenesProgress) => void>((value) => typeof value === "function").optional(),
});

/**
 * The standard 300 pictures of a split, 256x256, by which models are compared. They are drawn when they are first asked
 * for, in some ten seconds, and kept; of several who ask at once, one draws and the others wait.
 * @param split `val`, `val-pairs`, `val-categories` or `val-style`
 * @example await glip.evaluate({ data: await sceneSplit("val"), task: "detect" }).result
 * @throws GlipError `invalid_argument`, and as `writeScenes`
 */
export async function sceneSplit(split: MeasuredSplit, options: SceneSplitOptions = {}): Promise<SceneFolder> {
  const chosen = checkArgument(name, split, "split");
  const { home, signal, onProgress } = checkArgument(schema, options, "options");
  const { count, seed, size } = STANDARD;
  const out = join(resolve(glipHome(home)), "datasets", `scenes-${EDITION}`, `${chosen}-${count}-${seed}-${size}`);
  // It gets its name when it is whole.
  const folder = join(out, chosen);
  throwIfAborted(signal);
  if (existsSync(folder)) return { format: "scenes", folder };
  try {
    const lock = await acquireSetupLock(`${out}.lock`, { signal });
    try {
      await removeParts(out);
      if (!existsSync(folder))
        await writePlan({ out, plan: [{ split: chosen, count }], seed, size, signal, onProgress });
    } finally {
      lock.release();
    }
  } catch (cause) {
    throw writeFailure(cause, out);
  }
  return { format: "scenes", folder };
}

/** What others left who were killed while they drew: who holds the lock is the only one who does. */
async function removeParts(out: string): Promise<void> {
  for (const found of await readdir(dirname(out)))
    if (found.startsWith(`${basename(out)}.part-`))
      await rm(join(dirname(out), found), { recursive: true, force: true });
}

/** Sees that the folder of a split is there; what is in it is the worker's to judge. @throws GlipError `file_error` */
export function checkSceneFolder(folder: string): void {
  if (existsSync(join(folder, "instances.json"))) return;
  const reason = existsSync(folder) ? "there is no instances.json in it" : "it is not there";
  const advice = "Name the folder of one split, e.g. scenes/val; `glip scenes --out scenes` writes them.";
  throw new GlipError("file_error", `Cannot measure on ${folder}: ${reason}. ${advice}`, { path: folder, reason });
}
