import { Random } from "../random.ts";
import type { Scene } from "../scene.ts";
import { type SceneSplit, stockOf } from "../splits.ts";
import { composeBackground } from "./background.ts";
import { composeClutter } from "./clutter.ts";
import { composeFinish } from "./finish.ts";
import { composeObjects } from "./objects.ts";

/** Which scene: every combination is one, and always the same one. */
export interface SceneKey {
  split: SceneSplit;
  seed: number;
  index: number;
}

/** Another one makes other scenes of the same keys: for changes of the generator. */
export const EDITION = 1;

/** The scene of a key. Each part has random numbers of its own, so that a change of one leaves the others as they are. */
export function composeScene({ split, seed, index }: SceneKey): Scene {
  const stream = (part: string): Random => new Random(streamKey({ split, seed, index }, part));
  const background = composeBackground(stream("background"));
  return {
    split,
    seed,
    index,
    background,
    clutter: composeClutter(stream("clutter")),
    objects: composeObjects(stockOf(split), background, stream("objects")),
    finish: composeFinish(stream("finish")),
  };
}

/** The key of a stream of random numbers that belongs to one part of one scene. */
export function streamKey({ split, seed, index }: SceneKey, part: string): string {
  return `scenes ${EDITION} ${split} ${seed} ${index} ${part}`;
}
