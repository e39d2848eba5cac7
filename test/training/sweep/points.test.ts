import { describe, expect, expectTypeOf, it } from "vitest";
import { planRuns, type SweepGrid, type SweepPoint } from "../../../src/training/sweep/points.ts";

describe("a grid", () => {
  it("has a run for every combination, the last key fastest", () => {
    const all = { inter: 1 };
    expect(planRuns({ seed: [0, 1], losses: { grounding: {}, "all three": all } })).toEqual([
      {
        name: "seed=0,losses=grounding",
        point: { seed: 0, losses: {} },
        labels: { seed: "0", losses: "grounding" },
      },
      {
        name: "seed=0,losses=all-three",
        point: { seed: 0, losses: all },
        labels: { seed: "0", losses: "all three" },
      },
      {
        name: "seed=1,losses=grounding",
        point: { seed: 1, losses: {} },
        labels: { seed: "1", losses: "grounding" },
      },
      {
        name: "seed=1,losses=all-three",
        point: { seed: 1, losses: all },
        labels: { seed: "1", losses: "all three" },
      },
    ]);
  });

  it("has typed points", () => {
    const typed = <const Grid extends SweepGrid>(grid: Grid) => planRuns(grid)[0]?.point as SweepPoint<Grid>;
    const point = typed({ seed: [0, 1], style: ["a"], losses: { none: { inter: 0 }, all: { inter: 1 } } });
    expectTypeOf(point.seed).toEqualTypeOf<0 | 1>();
    expectTypeOf(point.style).toEqualTypeOf<"a">();
    expectTypeOf(point.losses.inter).toEqualTypeOf<0 | 1>();
    expect(point).toEqual({ seed: 0, style: "a", losses: { inter: 0 } });
  });

  it.each<[unknown, string]>([
    [{}, "options.grid: expected values that can be told apart as names of folders, got none"],
    [
      { seed: [] },
      "options.grid.seed: expected a list of texts, numbers or booleans, or an object of named values; not",
    ],
    [{ losses: {} }, "options.grid.losses: expected a list of texts"],
    [{ losses: [{}] }, "options.grid.losses: expected a list of texts"],
    [{ style: ["a b", "a-b"] }, "got style=a-b twice"],
    [[1], "options.grid: expected "],
  ])("is refused by name: %j", (grid, message) => {
    expect(() => planRuns(grid as SweepGrid)).toThrow(message);
  });
});
