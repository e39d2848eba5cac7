import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { glipHome } from "../../environment/home.ts";
import { isGlipError } from "../../errors.ts";
import { text } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { type SceneSplit, sceneSplits } from "./splits.ts";
import { type ScenesProgress, writePlan } from "./write.ts";

/** A split of the scenes as a folder: one that `writeScenes` or `glip scenes` wrote, or one of `sceneSplit`. */
export interface SceneFolder {
  format: "scenes";
  /** The folder of one split, with `instances.json` in it. */
  folder: string;
}

export interface SceneSplitOptions {
  /** The folder that keeps it. @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  signal?: AbortSignal | undefined;
  /** Called while it is drawn, which it is once. */
  onProgress?: ((progress: ScenesProgress) => void) | undefined;
}

/** Those that models are measured on. What is trained on is the caller's choice, and `writeScenes` writes it. */
export const measuredSplits = sceneSplits.filter((split) => split.startsWith("val"));

/** What the figures on glip-nano's card were measured on. */
const STANDARD = { count: 300, seed: 0, size: 256 };
/** Of what a seed draws: another one where the generator draws other scenes, so that no old ones are measured on. */
const REVISION = 1;

const name = z.enum(measuredSplits as [SceneSplit, ...SceneSplit[]]);
const schema = z.strictObject({
  home: text.min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: ScenesProgress) => void>((value) => typeof value === "function").optional(),
});

/**
 * The standard 300 pictures of a split, 256x256, by which models are compared. They are drawn when they are first asked
 * for, in some ten seconds, and kept.
 * @param split `val`, `val-pairs`, `val-categories` or `val-style`
 * @example await glip.evaluate({ data: await sceneSplit("val"), task: "detect" }).result
 * @throws GlipError `invalid_argument`, and as `writeScenes`
 */
export async function sceneSplit(split: SceneSplit, options: SceneSplitOptions = {}): Promise<SceneFolder> {
  const chosen = checkArgument(name, split, "split");
  const { home, ...rest } = checkArgument(schema, options, "options");
  const { count, seed, size } = STANDARD;
  const out = join(resolve(glipHome(home)), "datasets", `scenes-${REVISION}`, `${chosen}-${count}-${seed}-${size}`);
  const folder = join(out, chosen);
  if (!(await isThere(folder))) {
    try {
      await writePlan({ ...rest, out, plan: [{ split: chosen, count }], seed, size });
    } catch (error) {
      // Another process was sooner, and what it drew is the same.
      if (!isGlipError(error, "file_error") || !(await isThere(folder))) throw error;
    }
  }
  return { format: "scenes", folder };
}

/** It gets its name when it is whole. */
async function isThere(folder: string): Promise<boolean> {
  const found = await stat(folder).catch(() => undefined);
  return found?.isDirectory() === true;
}
