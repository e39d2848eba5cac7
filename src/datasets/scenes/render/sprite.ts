/** Values of a pixel: red, green, blue, alpha; the colours are multiplied by alpha already. */
export interface Level {
  side: number;
  data: Float32Array;
}

/** A square picture in sizes that halve, so that a small one is made from a small one and does not flicker. */
export type Sprite = readonly Level[];

const SMALLEST = 16;

/** @param rgba `side` x `side` pixels as sharp gives them: 8 bits a channel, not multiplied by alpha */
export function makeSprite(rgba: Uint8Array, side: number): Sprite {
  const data = new Float32Array(side * side * 4);
  for (let at = 0; at < data.length; at += 4) {
    const alpha = (rgba[at + 3] as number) / 255;
    for (let channel = 0; channel < 3; channel++) data[at + channel] = (rgba[at + channel] as number) * alpha;
    data[at + 3] = alpha;
  }
  const levels: Level[] = [{ side, data }];
  while ((levels.at(-1) as Level).side > SMALLEST) levels.push(halve(levels.at(-1) as Level));
  return levels;
}

function halve({ side, data }: Level): Level {
  const half = side / 2;
  const smaller = new Float32Array(half * half * 4);
  const row = side * 4;
  for (let y = 0; y < half; y++)
    for (let x = 0; x < half; x++)
      for (let channel = 0; channel < 4; channel++) {
        const at = y * 2 * row + x * 8 + channel;
        smaller[(y * half + x) * 4 + channel] =
          ((data[at] as number) +
            (data[at + 4] as number) +
            (data[at + row] as number) +
            (data[at + row + 4] as number)) /
          4;
      }
  return { side: half, data: smaller };
}

/** The level to draw at `pixels` a side: not much larger than that, so that bilinear sampling skips nothing. */
export function levelFor(sprite: Sprite, pixels: number): Level {
  return sprite.findLast(({ side }) => side >= pixels * 0.9) ?? (sprite[0] as Level);
}

/**
 * The value between pixels, `u` and `v` from 0 to 1 over the square; outside of it is nothing.
 * @param into receives red, green, blue (times alpha, 0 … 255) and alpha (0 … 1)
 */
export function sample({ side, data }: Level, u: number, v: number, into: Float32Array): void {
  const x = u * side - 0.5;
  const y = v * side - 0.5;
  const left = Math.floor(x);
  const top = Math.floor(y);
  into.fill(0);
  for (let corner = 0; corner < 4; corner++) {
    const column = left + (corner & 1);
    const row = top + (corner >> 1);
    if (column < 0 || row < 0 || column >= side || row >= side) continue;
    const weight = (1 - Math.abs(x - column)) * (1 - Math.abs(y - row));
    const at = (row * side + column) * 4;
    into[0] = (into[0] as number) + (data[at] as number) * weight;
    into[1] = (into[1] as number) + (data[at + 1] as number) * weight;
    into[2] = (into[2] as number) + (data[at + 2] as number) * weight;
    into[3] = (into[3] as number) + (data[at + 3] as number) * weight;
  }
}
