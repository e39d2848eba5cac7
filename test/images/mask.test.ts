import { describe, expect, it } from "vitest";
import { Mask } from "../../src/images/mask.ts";
import { maskPath } from "../../src/images/mask-path.ts";
import { compress, runLengths } from "../../src/images/rle.ts";

/** Of rows such as `".##."`. */
function maskOf(...rows: string[]): Mask {
  const [height, width] = [rows.length, rows[0]?.length ?? 0];
  const edges: number[] = [];
  let before = ".";
  for (let at = 0; at < height * width; at++) {
    const here = rows[at % height]?.[Math.floor(at / height)] ?? ".";
    if (here !== before) edges.push(at);
    before = here;
  }
  return new Mask({ size: [height, width], counts: compress(runLengths(edges, height * width)) });
}

function rowsOf(mask: Mask): string[] {
  const [height, width] = mask.size;
  const pixels = mask.pixels();
  return Array.from({ length: height }, (_, y) =>
    Array.from(pixels.subarray(y * width, (y + 1) * width), (value) => (value === 1 ? "#" : ".")).join(""),
  );
}

const shapes: [string, string[]][] = [
  ["nothing", ["...", "..."]],
  ["everything", ["###", "###"]],
  ["a pixel in a corner", ["...", "..#"]],
  ["a ring", ["#####", "#...#", "#...#", "#####"]],
  ["columns that go on from one to the next", ["#.#", "##.", "###"]],
  ["pieces", ["##..#", "....#", "#....", "#.##."]],
];

describe("a mask", () => {
  it.each(shapes)("of %s has its pixels", (_name, rows) => {
    const mask = maskOf(...rows);
    expect(rowsOf(mask)).toEqual(rows);
    expect(mask.area).toBe(rows.join("").replaceAll(".", "").length);
    expect(new Mask(JSON.parse(JSON.stringify(mask)) as Mask).pixels()).toEqual(mask.pixels());
  });

  it("gives pixels of one's own each time", () => {
    const mask = maskOf("#.");
    mask.pixels().fill(7);
    expect([...mask.pixels()]).toEqual([1, 0]);
  });

  it.each([
    [{ size: [2, 2], counts: "9" }, "2 x 2 pixels, got those of 9 pixels"],
    [{ size: [2, 2], counts: "" }, "got another text"],
    [{ size: [2, 2], counts: "2N4" }, "got those of"],
    [{ size: [2, 2], counts: "Q" }, "got another text"],
  ] as const)("is refused where it is none: %j", (given, received) => {
    expect(() => new Mask({ ...given, size: [...given.size] })).toThrow(received);
  });
});

describe("polygons", () => {
  it("go along the edges of pixels, clockwise", () => {
    expect(maskOf("....", ".##.", ".##.").polygons()).toEqual([[3, 1, 3, 3, 1, 3, 1, 1]]);
    expect(maskOf(".#", "##").polygons()).toEqual([[2, 0, 2, 2, 0, 2, 0, 1, 1, 1, 1, 0]]);
    expect(maskOf("..", "..").polygons()).toEqual([]);
  });

  it("are one for each part, and say nothing of holes", () => {
    expect(maskOf("#.", ".#").polygons()).toHaveLength(2);
    expect(maskOf("#####", "#...#", "#.#.#", "#...#", "#####").polygons()).toEqual([
      [5, 0, 5, 5, 0, 5, 0, 0],
      [3, 2, 3, 3, 2, 3, 2, 2],
    ]);
  });

  it.each(shapes)("of %s hold its pixels", (_name, rows) => {
    const mask = maskOf(...rows);
    const [height, width] = mask.size;
    const polygons = mask.polygons();
    for (let at = 0; at < height * width; at++) {
      if (mask.pixels()[at] !== 1) continue;
      const [x, y] = [(at % width) + 0.5, Math.floor(at / width) + 0.5];
      expect(polygons.some((polygon) => holds(polygon, x, y))).toBe(true);
    }
  });
});

describe("a path", () => {
  it("cuts corners, so that steps become a line", () => {
    expect(maskPath(maskOf("##", "##"), 1)).toBe("M1.5 0 2 0.5 2 1.5 1.5 2 0.5 2 0 1.5 0 0.5 0.5 0Z");
    // From the middle of a step to that of the next: each lies as far to the right as down.
    expect(maskPath(maskOf("#..", "##.", "###"), 2)).toContain("2 1 2 1 3 2 3 2 4 3 4 3 5 4");
    expect(maskPath(maskOf("#####", "#...#", "#####"), 1).match(/M/g)).toHaveLength(2);
    expect(maskPath(maskOf(".."), 1)).toBe("");
  });
});

function holds(polygon: readonly number[], x: number, y: number): boolean {
  let inside = false;
  for (let at = 0; at < polygon.length; at += 2) {
    const next = (at + 2) % polygon.length;
    const [x1, y1, x2, y2] = [polygon[at], polygon[at + 1], polygon[next], polygon[next + 1]] as [
      number,
      number,
      number,
      number,
    ];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
