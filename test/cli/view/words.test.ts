import { describe, expect, it } from "vitest";
import { bytes, duration, metric, number, place } from "../../../src/cli/view/words.ts";

describe("what a person reads:", () => {
  it.each([
    [0, "0 s"],
    [59.4, "59 s"],
    [59.6, "1 min"],
    [3540, "59 min"],
    [3599, "1 h"],
    [3600, "1 h"],
    [3600 * 3 + 720, "3 h 12 min"],
    [3600 * 2 - 10, "2 h"],
    [86400 * 2 + 3600 * 4, "2 d 4 h"],
    [86400 * 2 - 60, "2 d"],
    [-5, "0 s"],
    [Infinity, "–"],
  ])("%d seconds are %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [0, "0"],
    [0.123456, "0.123"],
    [12.3456, "12.3"],
    [123.456, "123"],
    [1.234e-4, "1.2e-4"],
    [1e-4, "1e-4"],
    [123456, "1.2e5"],
    [-0.5, "-0.500"],
    [null, "–"],
    [undefined, "–"],
  ])("the number %d is %s", (value, text) => {
    expect(number(value)).toBe(text);
  });

  it("metrics, memory and paths", () => {
    expect([metric(0.12345), metric(null)]).toEqual(["0.123", "–"]);
    expect([bytes(5.24e9), bytes(1.5e8)]).toEqual(["5.2 GB", "150 MB"]);
    expect([place(process.cwd()), place(`${process.cwd()}/runs/a`), place("/elsewhere")]).toEqual([
      ".",
      "runs/a",
      "/elsewhere",
    ]);
  });
});
