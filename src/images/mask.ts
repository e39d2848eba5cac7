import { z } from "zod";
import { GlipError } from "../errors.ts";
import { uint32 } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import { type MaskPart, outlinesOf } from "./outlines.ts";
import { decompress, type RunLengths } from "./rle.ts";

const schema = z.object({ size: z.tuple([uint32, uint32]), counts: z.string() });

/**
 * An object's pixels in a picture. They are kept as COCO's run lengths, and worked out anew each time they are asked for.
 * @example const mask = new Mask(JSON.parse(line).objects[0].mask);
 */
export class Mask implements RunLengths {
  /** Of the upright picture, in pixels. */
  readonly size: [height: number, width: number];
  readonly counts: string;
  /** Number of the object's pixels. */
  readonly area: number;
  readonly #runs: readonly number[];

  /** @throws GlipError `invalid_argument` for what is no mask of a picture of that size */
  constructor(given: RunLengths) {
    const { size, counts } = checkArgument(schema, given, "mask");
    const [height, width] = size;
    const runs = decompress(counts);
    const pixels = runs?.reduce((sum, run) => sum + run, 0);
    if (runs === undefined || pixels !== height * width || runs.some((run) => run < 0)) {
      const details = {
        path: "mask",
        expected: `COCO's compressed run lengths of ${width} x ${height} pixels`,
        received: pixels === undefined ? "another text" : `those of ${pixels} pixels`,
      };
      const text = `${details.path}: expected ${details.expected}, got ${details.received}`;
      throw new GlipError("invalid_argument", text, details);
    }
    this.size = [height, width];
    this.counts = counts;
    this.#runs = runs;
    this.area = runs.reduce((sum, run, index) => sum + (index % 2) * run, 0);
  }

  /** `height * width` numbers, row by row from the top left: 1 where the object is, else 0. */
  pixels(): Uint8Array {
    const [height, width] = this.size;
    const pixels = new Uint8Array(height * width);
    const { left, top, width: across, height: down, data } = this.part();
    for (let y = 0; y < down; y++) pixels.set(data.subarray(y * across, (y + 1) * across), (top + y) * width + left);
    return pixels;
  }

  /**
   * Its outlines along the edges of pixels, as COCO has them: `[x1, y1, x2, y2, …]` for each part, clockwise. Holes are
   * not told: `pixels` has them.
   */
  polygons(): number[][] {
    return outlinesOf(this.part())
      .filter(({ hole }) => !hole)
      .map(({ points }) => points);
  }

  /** Of the picture, no more than the object needs; nothing at all of an empty mask. */
  part(): MaskPart {
    const [height] = this.size;
    const spans = [...this.#columns()];
    const left = spans[0]?.x ?? 0;
    const width = spans.length === 0 ? 0 : (spans.at(-1) as ColumnRun).x - left + 1;
    const top = spans.reduce((least, { start }) => Math.min(least, start), height);
    const bottom = spans.reduce((most, { end }) => Math.max(most, end), top);
    const data = new Uint8Array(width * (bottom - top));
    for (const { x, start, end } of spans) for (let y = start; y < end; y++) data[(y - top) * width + x - left] = 1;
    return { left, top, width, height: bottom - top, data };
  }

  /** What COCO calls a segmentation. */
  toJSON(): RunLengths {
    return { size: this.size, counts: this.counts };
  }

  /** The runs inside of the object, none beyond its column, from left to right. */
  *#columns(): Generator<ColumnRun> {
    const [height] = this.size;
    let at = 0;
    for (const [index, run] of this.#runs.entries()) {
      const end = at + run;
      while (index % 2 === 1 && at < end) {
        const x = Math.floor(at / height);
        const stop = Math.min(end, (x + 1) * height);
        yield { x, start: at - x * height, end: stop - x * height };
        at = stop;
      }
      at = end;
    }
  }
}

/** Pixels of one column; `end` is exclusive. */
interface ColumnRun {
  x: number;
  start: number;
  end: number;
}
