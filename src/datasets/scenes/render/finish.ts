import type { Finish } from "../scene.ts";
import type { Canvas } from "./canvas.ts";

/**
 * Brightness, contrast and noise, as bytes.
 *
 * @param seed of the noise
 */
export function develop({ data }: Canvas, { brightness, contrast, noise }: Finish, seed: number): Uint8ClampedArray {
  // Clamps and rounds what is stored in it.
  const bytes = new Uint8ClampedArray(data.length);
  const shift = 127.5 * (1 - contrast) + 255 * brightness;
  if (noise === 0) {
    for (let at = 0; at < data.length; at++) bytes[at] = (data[at] as number) * contrast + shift;
    return bytes;
  }
  const grains = GRAINS.map((value) => value * noise * 255 + shift);
  let state = seed | 0;
  for (let at = 0; at < data.length; at++) {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    bytes[at] = (data[at] as number) * contrast + (grains[state >>> 20] as number);
  }
  return bytes;
}

/** 4096 values, about normal, of mean 0 and standard deviation 1: sums of twelve uniform ones. */
const GRAINS = Float32Array.from({ length: 4096 }, (_, index) => {
  let state = Math.imul(index + 1, 0x9e3779b1);
  let sum = -6;
  for (let part = 0; part < 12; part++) {
    state = Math.imul(state ^ (state >>> 15), 0x85ebca6b) ^ (part + 1);
    state = Math.imul(state ^ (state >>> 13), 0xc2b2ae35);
    sum += (state >>> 0) / 4294967296;
  }
  return sum;
});
