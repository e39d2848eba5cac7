import type { Pattern } from "../scene.ts";
import type { Share } from "./pattern.ts";

/** Value noise: random numbers on a lattice, smooth between them, each octave half as large and half as strong. */
export function smoothNoise({ width, height, octaves, seed }: Extract<Pattern, { kind: "noise" }>): Share {
  return (x, y) => {
    let [sum, total, strength, scale] = [0, 0, 1, 1];
    for (let octave = 0; octave < octaves; octave++) {
      sum += strength * lattice((x / width) * scale, (y / height) * scale, seed + octave);
      total += strength;
      strength /= 2;
      scale *= 2;
    }
    return Math.max(0, Math.min(1, (sum / total - 0.5) * 1.6 + 0.5));
  };
}

function lattice(x: number, y: number, seed: number): number {
  const [left, top] = [Math.floor(x), Math.floor(y)];
  const [u, v] = [smooth(x - left), smooth(y - top)];
  const upper = hash(left, top, seed) * (1 - u) + hash(left + 1, top, seed) * u;
  const lower = hash(left, top + 1, seed) * (1 - u) + hash(left + 1, top + 1, seed) * u;
  return upper * (1 - v) + lower * v;
}

function smooth(share: number): number {
  return share * share * (3 - 2 * share);
}

/** 0 to 1, of three integers. */
export function hash(x: number, y: number, seed: number): number {
  let value = Math.imul(x, 0x27d4eb2d) ^ Math.imul(y, 0x165667b1) ^ Math.imul(seed, 0x9e3779b1);
  value = Math.imul(value ^ (value >>> 15), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return ((value ^ (value >>> 16)) >>> 0) / 4294967296;
}
