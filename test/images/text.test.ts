import { expect, it } from "vitest";
import { clusters, fit, hasOutlines, layoutLine, measure } from "../../src/images/text.ts";

it("has outlines for Latin, Greek and Cyrillic, composed or not", () => {
  for (const text of [
    "person 0.95",
    "Ärger ñandú ő ğ ł",
    "ζώο σκύλος",
    "красная машина їжак",
    "con chó nhỏ",
    "e\u0301te\u0301",
    '`\\"<&',
  ]) {
    expect(hasOutlines(text), text).toBe(true);
  }
  expect(hasOutlines("狗")).toBe(false);
});

it("draws every letter at its place", () => {
  const { width, runs } = layoutLine("il l", 100);
  expect(runs).toHaveLength(1);
  expect(width).toBeCloseTo(measure("i", 100) + 2 * measure("l", 100) + measure(" ", 100));
  expect(runs[0]).toMatchObject({ kind: "outline", path: expect.stringMatching(/^M0 0m[-\d.]+ .*zM\d/) });
  for (const { kind, path } of runs as { kind: string; path: string }[]) {
    expect([kind, path]).toEqual(["outline", expect.not.stringMatching(/NaN|undefined|--/)]);
  }
});

it("gives scripts without outlines to fonts in one run, spaces between their words included", () => {
  const { runs } = layoutLine("a كلب صغير b 🐕‍🦺", 20);
  expect(runs.filter(({ kind }) => kind === "system").map((run) => "text" in run && run.text.trim())).toEqual([
    "كلب صغير",
    "🐕‍🦺",
  ]);
});

it("cuts a text that is too wide, never inside a character", () => {
  expect(fit("person", 20, 500)).toBe("person");
  const short = fit("a very tall man who holds an umbrella", 20, 120);
  expect(short).toMatch(/^a very .*…$/);
  expect(measure(short, 20)).toBeLessThanOrEqual(120);
  expect(fit("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 20, 50)).toBe("👨‍👩‍👧‍👦…");
  expect(fit("person", 20, 3)).toBe("");
});

it("turns line ends and control characters into spaces", () => {
  expect(clusters("a\r\n\u0000b").join("")).toBe("a b");
});
