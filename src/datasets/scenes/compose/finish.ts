import type { Random } from "../random.ts";
import type { Finish } from "../scene.ts";

/** A third of the pictures is clean; the others have some of each fault. */
export function composeFinish(random: Random): Finish {
  if (random.chance(0.3)) return { brightness: 0, contrast: 1, noise: 0, blur: 0, quality: random.integer(85, 95) };
  return {
    brightness: random.between(-0.12, 0.12),
    contrast: random.between(0.7, 1.2, 2),
    noise: random.chance(0.6) ? random.between(0.005, 0.07) : 0,
    blur: random.chance(0.4) ? random.between(0.0015, 0.0055, 4) : 0,
    quality: random.integer(35, 95),
  };
}
