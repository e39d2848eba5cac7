import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { GlipError, isGlipError, messageOf } from "../../errors.ts";
import { text, uint32 } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { Renderer } from "./render/renderer.ts";
import { SplitFolder } from "./files/split.ts";
import { drawScenes, sceneSize, throwIfAborted } from "./scenes.ts";
import { type SceneSplit, sceneSplits } from "./splits.ts";

export interface WriteScenesOptions {
  /** The folder to make. It must not be there yet, or be empty. */
  out: string;
  /** Pictures of the split `train`. @default 2000 */
  train?: number | undefined;
  /** Pictures of each of `val`, `val-pairs`, `val-categories` and `val-style`. @default 200 */
  val?: number | undefined;
  /** Pictures of each of `tune-pairs`, `tune-categories` and `tune-style`. @default 0 */
  tune?: number | undefined;
  /** @default 0 */
  seed?: number | undefined;
  /** Width and height of the pictures in pixels, 128 to 1024. @default 256 */
  size?: number | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: ScenesProgress) => void) | undefined;
}

/** How far it is; counts are pictures of all splits together. */
export interface ScenesProgress {
  split: SceneSplit;
  done: number;
  total: number;
  /** Pictures a second, from the start. */
  rate: number;
}

export interface WrittenScenes {
  /** The folder, absolute. */
  out: string;
  /** Pictures of each split that was written. */
  splits: Partial<Record<SceneSplit, number>>;
}

const schema = z.strictObject({
  out: text.min(1),
  train: uint32.default(2000),
  val: uint32.default(200),
  tune: uint32.default(0),
  seed: uint32.default(0),
  size: sceneSize.default(256),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: ScenesProgress) => void>((value) => typeof value === "function").optional(),
});

/**
 * Writes the built-in data set: a folder for each split, with `images/`, `instances.json` (COCO), `grounding.json`
 * (MDETR), `captions.json` (COCO), `questions.json` and `scenes.jsonl`. It is made in a folder beside `out` and gets
 * its name when it is whole, so that what is at `out` is never half of it.
 *
 * @throws GlipError `invalid_argument`, `file_error` (`out` is not empty, or cannot be written), `disk_full`,
 *   `unsupported` (no sharp for this platform), `cancelled`
 */
export async function writeScenes(options: WriteScenesOptions): Promise<WrittenScenes> {
  const { out, ...rest } = checkArgument(schema, options, "options");
  const counts = { train: rest.train, val: rest.val, tune: rest.tune };
  const plan = sceneSplits
    .map((split) => ({ split, count: counts[split.split("-")[0] as keyof typeof counts] }))
    .filter(({ count }) => count > 0);
  return writePlan({ ...rest, out: resolve(out), plan });
}

/** What is written, and where: an absolute folder. */
interface Plan extends Pick<WriteScenesOptions, "signal" | "onProgress"> {
  out: string;
  plan: readonly { split: SceneSplit; count: number }[];
  seed: number;
  size: number;
}

/** @throws GlipError as `writeScenes` */
export async function writePlan({ out, plan, seed, size, signal, onProgress }: Plan): Promise<WrittenScenes> {
  const part = `${out}.part-${randomUUID().slice(0, 8)}`;
  const total = plan.reduce((sum, { count }) => sum + count, 0);
  const began = performance.now();
  let done = 0;
  try {
    throwIfAborted(signal);
    await expectFree(out);
    await mkdir(dirname(out), { recursive: true });
    await mkdir(part);
    const renderer = await Renderer.open(size);
    for (const { split, count } of plan) {
      const folder = await SplitFolder.create(join(part, split), split);
      try {
        for await (const sample of drawScenes(renderer, { split, seed, count, start: 0 }, signal)) {
          await folder.add(sample, size);
          done++;
          onProgress?.({ split, done, total, rate: (1000 * done) / (performance.now() - began) });
        }
        await folder.close({ description: "glip-sdk scenes", split, seed, count, size });
      } catch (error) {
        folder.destroy();
        throw error;
      }
    }
    await expectFree(out);
    await rmdir(out).catch(() => {});
    await rename(part, out);
  } catch (cause) {
    // Where nothing could be made there is nothing to remove; what went wrong first is what is told.
    await rm(part, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
    throw writeFailure(cause, out);
  }
  return { out, splits: Object.fromEntries(plan.map(({ split, count }) => [split, count])) };
}

/** The folder is not there, or there is nothing in it. @throws GlipError `file_error` */
export async function expectFree(out: string): Promise<void> {
  const found = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (found.length === 0) return;
  const reason = `it is not empty (it holds ${found.slice(0, 3).join(", ")}${found.length > 3 ? ", …" : ""})`;
  const advice = "Scenes are written into a new or empty folder: name another, or remove this one.";
  throw new GlipError("file_error", `${out}: ${reason}. ${advice}`, { path: out, reason });
}

/** What went wrong with writing to `out`, as the SDK's error. @throws the cause itself when it is none of the disk's */
export function writeFailure(cause: unknown, out: string): GlipError {
  if (isGlipError(cause)) return cause;
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  if (["ENOSPC", "EDQUOT"].includes(code)) {
    const message = `The disk that holds ${out} is full. Free some space, or write fewer scenes. Nothing was kept.`;
    return new GlipError("disk_full", message, { path: out, needed: undefined, free: undefined }, { cause });
  }
  if (code === "") throw cause;
  const reason = messageOf(cause);
  return new GlipError("file_error", `${out} cannot be written: ${reason}`, { path: out, reason }, { cause });
}
