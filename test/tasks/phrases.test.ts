import { describe, expect, it } from "vitest";
import { locatePhrases, type PhraseInput } from "../../src/tasks/phrases.ts";
import { Positions } from "../../src/tasks/spans.ts";

const locate = (caption: string, ...phrases: PhraseInput[]) => locatePhrases(caption, new Positions(caption), phrases);
/** The located texts, cut as Python cuts them. */
const cut = (caption: string, ...phrases: PhraseInput[]) =>
  locate(caption, ...phrases).map(({ start, end }) => Array.from(caption).slice(start, end).join(""));

describe("a text", () => {
  it("is its first occurrence; the same text again is the next one", () => {
    expect(locate("a dog and a dog", "a dog")).toEqual([{ start: 0, end: 5 }]);
    expect(locate("a dog and a dog", "a dog", "a dog")).toEqual([
      { start: 0, end: 5 },
      { start: 10, end: 15 },
    ]);
    expect(locate("a dog and a dog", [0, 5], "a dog")).toEqual([
      { start: 0, end: 5 },
      { start: 10, end: 15 },
    ]);
  });

  it("is a whole word where there is one", () => {
    expect(locate("a caterpillar, a cat", "cat")).toEqual([{ start: 17, end: 20 }]);
    expect(locate("concat cat2 été cat", "cat", "té")).toEqual([
      { start: 16, end: 19 },
      { start: 13, end: 15 },
    ]);
    expect(locate("caterpillars", "cat")).toEqual([{ start: 0, end: 3 }]);
    // Scripts without spaces have no boundaries.
    expect(cut("一只狗和一只猫", "狗", "猫")).toEqual(["狗", "猫"]);
    expect(locate("𝓭𝓸𝓰𝓰𝔂 𝓭𝓸𝓰", "𝓭𝓸𝓰")).toEqual([{ start: 6, end: 9 }]);
  });

  it("that is not there, or not so often, is refused by its place", () => {
    expect(() => locate("a dog", "a dog", "a cat")).toThrow(
      'options.phrases[1]: expected a text that is in the caption, got "a cat"',
    );
    expect(() => locate("a dog", "a dog", "a dog")).toThrow(
      'options.phrases[1]: expected at most 1 times this text, got "a dog"',
    );
    expect(() => locate("A dog", "a dog")).toThrow("a text that is in the caption");
  });
});

describe("a span", () => {
  it("is counted in UTF-16 units, as slice takes it, and sent in code points", () => {
    const caption = "🐕 a dog and a 🐈";
    const start = caption.indexOf("a dog");
    expect(caption.slice(start, start + 5)).toBe("a dog");
    expect(locate(caption, [start, start + 5], "🐈")).toEqual([
      { start: 2, end: 7 },
      { start: 14, end: 15 },
    ]);
  });

  it.each([
    [[3, 3]],
    [[5, 3]],
    [[0, 99]],
    // Half of the dog.
    [[0, 1]],
  ] as [readonly [number, number]][])("%j is refused", (span) => {
    expect(() => locate("🐕 a dog", [3, 4], span)).toThrow(
      `options.phrases[1]: expected a span [start, end] of the caption's characters, 0 <= start < end <= 8, got [${span.join(", ")}]`,
    );
  });

  it("that is given twice is refused", () => {
    expect(() => locate("a dog", "a dog", [0, 5])).toThrow(
      "options.phrases[1]: expected another span than that of options.phrases[0], got [0, 5]",
    );
  });
});

it("phrases may overlap, and stay in the order they were given in", () => {
  const phrases = ["red", "a man in red", "a dog", "a man"];
  expect(cut("a dog and a man in red", ...phrases)).toEqual(phrases);
});
