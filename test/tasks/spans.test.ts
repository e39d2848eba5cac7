import { expect, it } from "vitest";
import { Positions } from "../../src/tasks/spans.ts";

// What Python counts: a code point each. 👩‍🚀 is three of them, é as e + accent two.
const texts = {
  ascii: "a dog",
  accents: "déjà vu cafe\u0301",
  "emoji before, between, after": "🐕 a dog 👩‍🚀 and a cat 🐈",
  "astral letters": "𝒜 𝓭𝓸𝓰 𠮷野家",
  empty: "",
};

it.each(Object.entries(texts))("%s: every position, both ways", (_, text) => {
  const positions = new Positions(text);
  const points = Array.from(text);
  expect(positions.points).toBe(points.length);
  for (let point = 0; point <= points.length; point++) {
    const unit = points.slice(0, point).join("").length;
    expect(positions.toUnit(point)).toBe(unit);
    expect(positions.toPoint(unit)).toBe(point);
  }
});

it("knows no position outside of the text or inside of a character", () => {
  for (const text of ["dog", "🐕🐕"]) {
    const positions = new Positions(text);
    for (const point of [-1, positions.points + 1]) expect(positions.toUnit(point)).toBeUndefined();
    for (const unit of [-1, text.length + 1]) expect(positions.toPoint(unit)).toBeUndefined();
  }
  expect(new Positions("🐕🐕").toPoint(3)).toBeUndefined();
});
