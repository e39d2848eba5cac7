import type { Pattern } from "../scene.ts";
import type { Share } from "./pattern.ts";

/** Value noise: random numbers on a lattice, smooth between them, each octave half as large and half as strong. */
export function smoothNoise({ width, height, octaves, seed }: Extract<Pattern, { kind: "noise" }>): Share {
  const layers = Array.from({ length: octaves }, (_, octave) =>
    lattice(width / 2 ** octave, height / 2 ** octave, seed + octave),
  );
  const total = 2 - 2 / 2 ** octaves;
  return (x, y) => {
    let sum = 0;
    for (let octave = 0; octave < octaves; octave++) sum += (layers[octave] as Share)(x, y) / (1 << octave);
    return Math.max(0, Math.min(1, (sum / total - 0.5) * 1.6 + 0.5));
  };
}

/** One octave: cells of this width and height, over the whole picture. */
function lattice(width: number, height: number, seed: number): Share {
  const columns = Math.ceil(1 / width) + 2;
  const rows = Math.ceil(1 / height) + 2;
  const values = Float32Array.from({ length: columns * rows }, (_, at) =>
    hash(at % columns, Math.floor(at / columns), seed),
  );
  return (x, y) => {
    const left = Math.floor(x / width);
    const top = Math.floor(y / height);
    const u = smooth(x / width - left);
    const v = smooth(y / height - top);
    const at = top * columns + left;
    const upper = (values[at] as number) * (1 - u) + (values[at + 1] as number) * u;
    const lower = (values[at + columns] as number) * (1 - u) + (values[at + columns + 1] as number) * u;
    return upper * (1 - v) + lower * v;
  };
}

function smooth(share: number): number {
  return share * share * (3 - 2 * share);
}

/** 0 to 1, of three integers. */
function hash(x: number, y: number, seed: number): number {
  let value = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 4294967296;
}
