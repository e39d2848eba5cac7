import { expect, test } from "vitest";
import { masksOf } from "../../../src/datasets/scenes/masks.ts";
import { compress, runLengths } from "../../../src/datasets/scenes/rle.ts";

// What pycocotools' mask.frUncompressedRLE makes of these counts.
test.each([
  [[4], "4"],
  [[0, 4], "04"],
  [[6, 3, 7], "637"],
  [[31, 32, 33, 1, 900], "o0P1Q1QOSk0"],
])("the text of %j is %s", (runs, text) => {
  expect(compress(runs)).toBe(text);
});

test("runs go down the columns, and begin outside", () => {
  const owner = Int8Array.from([0, -1, -1, 0, 1, 1, 0, -1, 1]);
  const [zero, one] = masksOf(owner, 3, 2);
  expect(zero).toEqual({ box: [0, 0, 1, 3], area: 3, mask: { size: [3, 3], counts: compress([0, 3, 6]) } });
  expect(one).toEqual({ box: [1, 1, 3, 3], area: 3, mask: { size: [3, 3], counts: compress([4, 1, 2, 2]) } });
  expect(runLengths([], 9)).toEqual([9]);
});
