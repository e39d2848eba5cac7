import { compress, runLengths, type RunLengths } from "../../images/rle.ts";

/** What is visible of one object. */
export interface Mask {
  /** `[x1, y1, x2, y2]` in pixels; the far sides are exclusive. */
  box: [number, number, number, number];
  /** Visible pixels. */
  area: number;
  mask: RunLengths;
}

/**
 * The visible pixels of each object.
 *
 * @param owner for each pixel of a square picture, row by row: the id of the object that is seen there, or -1
 * @param count number of objects; ids are below it
 */
export function masksOf(owner: Int8Array, size: number, count: number): Mask[] {
  const found = Array.from({ length: count }, () => ({
    box: [size, size, 0, 0] as Mask["box"],
    area: 0,
    edges: [] as number[],
  }));
  let before: (typeof found)[number] | undefined;
  for (let x = 0; x < size; x++)
    for (let y = 0; y < size; y++) {
      const id = owner[y * size + x] as number;
      const here = id < 0 ? undefined : (found[id] as (typeof found)[number]);
      if (here !== before) {
        before?.edges.push(x * size + y);
        here?.edges.push(x * size + y);
        before = here;
      }
      if (here === undefined) continue;
      const box = here.box;
      here.area++;
      if (x < box[0]) box[0] = x;
      if (y < box[1]) box[1] = y;
      if (x >= box[2]) box[2] = x + 1;
      if (y >= box[3]) box[3] = y + 1;
    }
  return found.map(({ box, area, edges }) => ({
    box,
    area,
    mask: { size: [size, size], counts: compress(runLengths(edges, size * size)) },
  }));
}
