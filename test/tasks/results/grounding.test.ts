import { inspect } from "node:util";
import { expect, it } from "vitest";
import { type GroundedPhrase, Grounding } from "../../../src/tasks/results/grounding.ts";
import { encoded, plainPNG } from "../../support/pictures.ts";

const caption = "🐕 a dog and a man, no cat";
const phrase = (text: string, index: number, ...scores: number[]): GroundedPhrase => ({
  text,
  span: [caption.indexOf(text), caption.indexOf(text) + text.length],
  objects: scores.map((score) => ({ label: text, phrase: index, score, box: [10 * index + 10, 20, 200, 220] })),
});
const data = {
  width: 600,
  height: 500,
  caption,
  phrases: [phrase("a dog", 0, 0.5, 0.3), phrase("a man", 1, 0.9), phrase("no cat", 2)],
  passes: 1,
};
const seen = new Grounding({ ...data, picture: encoded(await plainPNG(600, 500)) });

it("has the objects of all phrases, best first, and its data as JSON", () => {
  expect(seen.objects.map(({ label, score }) => [label, score])).toEqual([
    ["a man", 0.9],
    ["a dog", 0.5],
    ["a dog", 0.3],
  ]);
  expect([...seen]).toEqual(seen.objects);
  expect(JSON.parse(JSON.stringify(seen))).toEqual(data);
  expect(seen.phrases.map(({ span }) => seen.caption.slice(...span))).toEqual(["a dog", "a man", "no cat"]);
});

it("is printed so that it can be read", () => {
  expect(inspect(seen)).toMatch(
    /^Grounding 600x500 of "🐕 a dog and a man, no cat": 3 objects\n {2}a man 0.90 \[20, 20, 200, 220\]/,
  );
});

it("draws the caption below, phrases with boxes in their colours", async () => {
  const svg = await seen.draw({ picture: false });
  const size = /<svg [^>]*height="(\d+)"/.exec(svg)?.[1];
  expect(Number(size)).toBeGreaterThan(510);
  const colors = new Set(
    svg
      .split('<g><rect x="0"')
      .at(-1)
      ?.match(/rx="[\d.]+" fill="#\w{6}"/g),
  );
  expect(colors.size).toBe(2);
  expect(await seen.draw({ picture: false, caption: false })).toContain('height="500"');
});
