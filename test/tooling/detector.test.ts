import { expect, test } from "vitest";

import {
  type Answer,
  countDifferent,
  type Found,
  inTurns,
  largestDifference,
} from "../../scripts/bench/lib/detector.ts";

const box = [0, 0, 10, 10];
const found = (...scores: number[]): Found => ({ boxes: scores.map(() => box), scores });

test("the largest difference is that of any picture's scores, best first", () => {
  expect(largestDifference([found(0.9, 0.5), found(0.75)], [found(0.9, 0.5), found(0.5)])).toBe(0.25);
  expect(largestDifference([found(), found(0.5)], [found(), found(0.5)])).toBe(0);
});

test("other numbers of objects or pictures have no difference that is a number", () => {
  expect(largestDifference([found(0.9, 0.5)], [found(0.9)])).toBeNaN();
  expect(largestDifference([found(0.9), found(0.5)], [found(0.9)])).toBeNaN();
  expect(largestDifference([found(0.9)], [found(0.9), found(0.5)])).toBeNaN();
  expect(largestDifference([found(Number.NaN)], [found(0.9)])).toBeNaN();
});

test("different objects are counted on both sides, in any order", () => {
  const elsewhere: Found = { boxes: [[0, 0, 10, 11], box], scores: [0.9, 0.5] };
  expect(countDifferent(found(0.9, 0.5), found(0.5, 0.9))).toBe(0);
  expect(countDifferent(found(0.9, 0.5), elsewhere)).toBe(2);
  expect(countDifferent(found(0.9), found(0.9, 0.9))).toBe(1);
});

test("sides look in turns, and the warm-up does not count", async () => {
  const order: string[] = [];
  const side = (name: string) => (): Promise<Answer> => {
    order.push(name);
    return Promise.resolve({ pictures: [], preparing: 0, looking: order.length });
  };
  const answers = await inTurns({ ours: side("ours"), absent: undefined, theirs: side("theirs") }, { rounds: 2 });
  expect(order).toEqual(["ours", "theirs", "ours", "theirs", "ours", "theirs"]);
  expect(answers.ours.map(({ looking }) => looking)).toEqual([3, 5]);
  expect(answers.theirs.map(({ looking }) => looking)).toEqual([4, 6]);
  expect(answers.absent).toEqual([]);
});
