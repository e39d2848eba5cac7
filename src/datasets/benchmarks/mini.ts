import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { z } from "zod";
import { glipHome } from "../../environment/home.ts";
import { acquireSetupLock } from "../../environment/setup-lock.ts";
import { text } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { EDITION } from "../scenes/compose/scene.ts";
import { throwIfAborted } from "../scenes/scenes.ts";
import { expectFree, type ScenesProgress, writeFailure, writePlan } from "../scenes/write.ts";
import { type Instances, readScenes } from "./instances.ts";
import { writeMiniCaptions } from "./mini-captions.ts";
import { writeMiniCoco } from "./mini-coco.ts";
import { writeMiniFlickr30k } from "./mini-flickr30k.ts";
import { writeMiniLvis } from "./mini-lvis.ts";
import { writeMiniOdinw } from "./mini-odinw.ts";
import { writeMiniPhrasecut } from "./mini-phrasecut.ts";
import { writeMiniRefcoco } from "./mini-refcoco.ts";
import { writeMiniVqav2 } from "./mini-vqav2.ts";

/** Writes a split of the scenes, which lies in `from`, into the root folder `to` as a benchmark lays out its files. */
export type MiniWriter = (from: string, instances: Instances, to: string) => Promise<void>;

const writers = {
  coco: writeMiniCoco,
  lvis: writeMiniLvis,
  flickr30k: writeMiniFlickr30k,
  phrasecut: writeMiniPhrasecut,
  refcoco: writeMiniRefcoco,
  odinw: writeMiniOdinw,
  vqav2: writeMiniVqav2,
  captions: writeMiniCaptions,
} satisfies Record<string, MiniWriter>;

export type MiniName = keyof typeof writers;
export const miniNames = Object.keys(writers) as MiniName[];

export interface MiniBenchmarkOptions {
  /** The root folder to make; it is not there yet, or empty. @default one in the cache, which is made once and kept */
  out?: string | undefined;
  /** The folder that keeps it. @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** @default none */
  signal?: AbortSignal | undefined;
  /** Called while its pictures are drawn. @default none */
  onProgress?: ((progress: ScenesProgress) => void) | undefined;
}

/** Of the standard split `val`: the first of its pictures. */
const SCENES = { seed: 0, size: 256 } as const;
const PICTURES = 12;
/** Three sets, each to learn from and to be measured on. */
const ODINW_PICTURES = 24;

const name = z.enum(miniNames);
const schema = z.strictObject({
  out: text.min(1).optional(),
  home: text.min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z.custom<(progress: ScenesProgress) => void>((value) => typeof value === "function").optional(),
});

/**
 * A benchmark in miniature, in its true file layout, of a dozen drawn scenes: to try an evaluation without the data.
 * @param benchmark the benchmark of the same name; `lvis` is for `lvis-minival`, `captions` for `coco-captions`, `odinw` for
 * `odinw13` with the sets `miniOdinwSets`
 * @returns the root folder, for `data`
 * @example await glip.evaluate({ benchmark: "coco", data: await miniBenchmark("coco") }).result
 * @throws GlipError `invalid_argument`, and as `writeScenes`
 */
export async function miniBenchmark(benchmark: MiniName, options: MiniBenchmarkOptions = {}): Promise<string> {
  const chosen = checkArgument(name, benchmark, "benchmark");
  const { out, home, signal, onProgress } = checkArgument(schema, options, "options");
  const kept = join(glipHome(home), "datasets", `benchmarks-${EDITION}`, `mini-${chosen}`);
  const root = resolve(out ?? kept);
  throwIfAborted(signal);
  if (out === undefined && existsSync(root)) return root;
  try {
    const lock = await acquireSetupLock(`${root}.lock`, { signal });
    try {
      if (out !== undefined || !existsSync(root)) await write(chosen, root, { signal, onProgress });
    } finally {
      lock.release();
    }
  } catch (cause) {
    throw writeFailure(cause, root);
  }
  return root;
}

/** It gets its name when it is whole. */
async function write(
  benchmark: MiniName,
  root: string,
  options: Pick<MiniBenchmarkOptions, "signal" | "onProgress">,
): Promise<void> {
  const part = `${root}.part-${randomUUID().slice(0, 8)}`;
  try {
    await expectFree(root);
    await mkdir(dirname(root), { recursive: true });
    const plan = [{ split: "val", count: benchmark === "odinw" ? ODINW_PICTURES : PICTURES }] as const;
    await writePlan({ ...SCENES, plan, ...options, out: join(part, "scenes") });
    const from = join(part, "scenes", "val");
    const instances = await readScenes<Instances>(from, "instances.json");
    await writers[benchmark](from, instances, join(part, "root"));
    await writeFile(
      join(part, "root", "README.txt"),
      `The benchmark ${benchmark} in miniature, drawn by glip-sdk: no picture of it is the benchmark's.\n`,
    );
    await rmdir(root).catch(() => {});
    await rename(join(part, "root"), root);
  } finally {
    await rm(part, { recursive: true, force: true, maxRetries: 3 }).catch(() => {});
  }
}
