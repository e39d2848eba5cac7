import { describe, expect, it } from "vitest";
import { polygonsOf } from "../../../src/datasets/benchmarks/polygons.ts";
import { compress, runLengths } from "../../../src/images/rle.ts";

/** From rows of `#` and `.`. */
function maskOf(...rows: string[]): Parameters<typeof polygonsOf>[0] {
  const width = rows[0]?.length ?? 0;
  const pixels = Array.from({ length: width }, (_, x) => rows.map((row) => row[x] === "#")).flat();
  const edges = pixels.flatMap((inside, at) => (inside !== (pixels[at - 1] ?? false) ? [at] : []));
  return { size: [rows.length, width], counts: compress(runLengths(edges, pixels.length)) };
}

describe("polygons of a mask", () => {
  it("go around it on its own pixels", () => {
    expect(polygonsOf(maskOf("....", ".###", ".###"))).toEqual([
      [
        [1, 1],
        [2, 1],
        [3, 1],
        [3, 2],
        [2, 2],
        [1, 2],
      ],
    ]);
  });

  it("turn where both columns are", () => {
    expect(polygonsOf(maskOf("#..", "##.", "###"))).toEqual([
      [
        [0, 0],
        [0, 1],
        [1, 1],
        [1, 2],
        [2, 2],
        [2, 2],
        [1, 2],
        [0, 2],
      ],
    ]);
  });

  it("are several where columns fork, and where a run fills its column to the end", () => {
    expect(polygonsOf(maskOf("##", "#.", "##"))).toEqual([
      [
        [0, 0],
        [0, 2],
      ],
      [
        [1, 0],
        [1, 0],
      ],
      [
        [1, 2],
        [1, 2],
      ],
    ]);
  });

  it("are none of nothing", () => {
    expect(polygonsOf(maskOf("...", "..."))).toEqual([]);
  });
});
