import { expect, test } from "vitest";
import { compress, decompress, runLengths } from "../../src/images/rle.ts";

// What pycocotools' mask.frUncompressedRLE makes of these counts.
const texts: [number[], string][] = [
  [[4], "4"],
  [[0, 4], "04"],
  [[6, 3, 7], "637"],
  [[31, 32, 33, 1, 900], "o0P1Q1QOSk0"],
];

test.each(texts)("the text of %j is %s", (runs, text) => {
  expect(compress(runs)).toBe(text);
});

test.each(texts)("%j is read from it again", (runs, text) => {
  expect(decompress(text)).toEqual(runs);
});

test("what is no such text is read as nothing", () => {
  for (const text of ["", "Q", "4 4", "é"]) expect(decompress(text), text).toBeUndefined();
});

test("runs begin outside", () => {
  expect(runLengths([], 9)).toEqual([9]);
  expect(runLengths([0, 4], 9)).toEqual([0, 4, 5]);
});
