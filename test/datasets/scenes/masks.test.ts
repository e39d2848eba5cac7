import { expect, test } from "vitest";
import { masksOf } from "../../../src/datasets/scenes/masks.ts";
import { compress } from "../../../src/images/rle.ts";

test("runs go down the columns, and begin outside", () => {
  const owner = Int8Array.from([0, -1, -1, 0, 1, 1, 0, -1, 1]);
  const [zero, one] = masksOf(owner, 3, 2);
  expect(zero).toEqual({ box: [0, 0, 1, 3], area: 3, mask: { size: [3, 3], counts: compress([0, 3, 6]) } });
  expect(one).toEqual({ box: [1, 1, 3, 3], area: 3, mask: { size: [3, 3], counts: compress([4, 1, 2, 2]) } });
});
