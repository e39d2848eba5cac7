import { z } from "zod";
import { GlipError } from "../../errors.ts";
import { uint32 } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { annotateScene, type SceneAnnotations } from "./annotate.ts";
import { composeScene } from "./compose/scene.ts";
import { Renderer } from "./render/renderer.ts";
import type { Scene } from "./scene.ts";
import { type SceneSplit, sceneSplits } from "./splits.ts";

export interface ScenesOptions {
  /** Which scenes: those of training, or one of the splits that show what training never does. @default "train" */
  split?: SceneSplit | undefined;
  /** Another seed gives other scenes. @default 0 */
  seed?: number | undefined;
  /** How many. */
  count: number;
  /** The first one's index; a scene is the same whichever the first was. @default 0 */
  start?: number | undefined;
  /** Width and height of the pictures in pixels, 128 to 1024. @default 256 */
  size?: number | undefined;
  signal?: AbortSignal | undefined;
}

/** One picture of the built-in data. */
export interface SceneSample {
  scene: Scene;
  /** The bytes of a JPEG file: what `detect` and the other verbs take. */
  picture: Uint8Array;
  annotations: SceneAnnotations;
}

export const sceneSize = uint32.min(128).max(1024);

const schema = z.strictObject({
  split: z.enum(sceneSplits).default("train"),
  seed: uint32.default(0),
  count: uint32,
  start: uint32.default(0),
  size: sceneSize.default(256),
  signal: z.instanceof(AbortSignal).optional(),
});

/** Pictures under way at once: while sharp encodes one, the next is painted. */
const AHEAD = 4;

/**
 * Composes, draws and annotates scenes, one after the other.
 *
 * @throws GlipError `invalid_argument`, `unsupported` (no sharp for this platform), `cancelled`
 */
export async function* scenes(options: ScenesOptions): AsyncGenerator<SceneSample, void, void> {
  const { size, signal, ...which } = checkArgument(schema, options, "options");
  throwIfAborted(signal);
  yield* drawScenes(await Renderer.open(size), which, signal);
}

/** The same with a renderer that has drawn before: it has the icons already. */
export async function* drawScenes(
  renderer: Renderer,
  { split, seed, count, start }: { split: SceneSplit; seed: number; count: number; start: number },
  signal: AbortSignal | undefined,
): AsyncGenerator<SceneSample, void, void> {
  const underWay: Promise<SceneSample>[] = [];
  const draw = async (index: number): Promise<SceneSample> => {
    const scene = composeScene({ split, seed, index });
    const { file, owner } = await renderer.render(scene);
    return { scene, picture: file, annotations: annotateScene(scene, owner, renderer.size) };
  };
  try {
    for (let next = 0, given = 0; given < count; given++) {
      throwIfAborted(signal);
      for (; next < count && underWay.length < AHEAD; next++) underWay.push(draw(start + next));
      yield await (underWay.shift() as Promise<SceneSample>);
    }
  } finally {
    // A consumer that leaves early leaves nothing that could be an unhandled rejection.
    await Promise.allSettled(underWay);
  }
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new GlipError("cancelled", "The call was cancelled by its signal.", {}, { cause: signal.reason });
}
