import type { Random } from "../random.ts";
import type { Clutter } from "../scene.ts";
import { anyColor } from "./background.ts";

/** Scribbles and blobs that are no objects: a detector must not take every edge for one. */
export function composeClutter(random: Random): Clutter[] {
  const count = random.chance(0.25) ? 0 : random.integer(1, 9);
  return Array.from({ length: count }, () => (random.chance(0.5) ? stroke(random) : blob(random)));
}

function stroke(random: Random): Clutter {
  let [x, y] = [random.between(0, 1), random.between(0, 1)];
  const points: [number, number][] = [[x, y]];
  const reach = random.between(0.05, 0.3);
  for (let left = random.integer(1, 7); left > 0; left--) {
    [x, y] = [x + random.between(-reach, reach), y + random.between(-reach, reach)].map(
      (value) => Math.round(value * 1000) / 1000,
    ) as [number, number];
    points.push([x, y]);
  }
  const [width, color] = [random.between(0.004, 0.03), anyColor(random)];
  return { kind: "stroke", points, width, color, opacity: random.between(0.3, 0.9, 2) };
}

function blob(random: Random): Clutter {
  const soft = random.chance(0.5) ? random.between(0.5, 1, 2) : 0.05;
  // A crisp one that is round or large could pass for a shape.
  const rx = soft > 0.05 ? random.between(0.05, 0.35) : random.between(0.01, 0.06);
  return {
    kind: "blob",
    x: random.between(0, 1),
    y: random.between(0, 1),
    rx,
    ry: Math.round(rx * random.between(0.3, 0.7) * 1000) / 1000,
    turn: random.integer(0, 179),
    soft,
    color: anyColor(random),
    opacity: random.between(0.3, 0.9, 2),
  };
}
