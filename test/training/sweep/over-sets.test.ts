import { describe, expect, it } from "vitest";
import { overSets } from "../../../src/training/sweep/over-sets.ts";
import type { SweepRow } from "../../../src/training/sweep/rows.ts";

function row(
  set: string,
  shots: number,
  seed: number,
  AP: number | null,
  ended: SweepRow["ended"] = "completed",
): SweepRow {
  const labels = { set, shots: String(shots), seed: String(seed) };
  const rest = { ended, steps: 1, seconds: 1, checkpoint: null, error: null } as const;
  return { name: JSON.stringify(labels), output: "/", labels, metrics: { AP }, ...rest };
}

describe("few shots over sets and seeds", () => {
  it("have the mean over seeds of the means over sets, and its deviation", () => {
    const rows = [row("a", 1, 3, 0.1), row("a", 1, 30, 0.3), row("b", 1, 3, 0.3), row("b", 1, 30, 0.7)];
    expect(overSets(rows, "AP")).toEqual([
      {
        shots: 1,
        mean: expect.closeTo(0.35, 9) as number,
        deviation: expect.closeTo(0.3 / Math.SQRT2, 9) as number,
        bySeed: { 3: 0.2, 30: 0.5 },
      },
    ]);
  });

  it("have no mean of other sets than were asked for", () => {
    const rows = [row("a", 3, 3, 0.1), row("b", 3, 3, null), row("a", 5, 3, 0.2), row("b", 5, 3, 0.4)];
    expect(overSets(rows, "AP")).toEqual([
      { shots: 3, mean: null, deviation: null, bySeed: { 3: null } },
      {
        shots: 5,
        mean: expect.closeTo(0.3, 9) as number,
        deviation: null,
        bySeed: { 3: expect.closeTo(0.3, 9) as number },
      },
    ]);
    expect(overSets(rows, "AP50")[0]?.mean).toBeNull();
    const stopped = [row("a", 1, 3, 0.2), row("b", 1, 3, 0.4, "stopped")];
    expect(overSets(stopped, "AP")).toEqual([{ shots: 1, mean: null, deviation: null, bySeed: { 3: null } }]);
  });
});
