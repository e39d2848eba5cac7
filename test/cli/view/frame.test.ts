import { describe, expect, it } from "vitest";
import { columns } from "../../../src/cli/table.ts";
import { frame } from "../../../src/cli/view/frame.ts";
import { sparkline } from "../../../src/cli/view/spark.ts";
import { ViewState } from "../../../src/cli/view/state.ts";
import type { StepEvent } from "../../../src/training/events.ts";

const plain = { title: "runs/mine", dim: (text: string) => text };

function stepOf(step: number, more: Partial<StepEvent> = {}): StepEvent {
  const losses = { boxes: 0.25, total: 2 - step / 100 };
  const times = { seconds: 0.5, dataSeconds: 0.1, etaSeconds: 4000 };
  const rest = { epoch: 1.5, learningRate: 1e-4, picturesPerSecond: 16, memoryBytes: 2e9 };
  return { type: "step", step, totalSteps: 200, losses, ...times, ...rest, ...more };
}

function after(last: number): ViewState {
  const state = new ViewState();
  for (let step = 1; step <= last; step++) state.add(stepOf(step));
  return state;
}

describe("a frame", () => {
  it("says where the run is, how fast, and how its losses went", () => {
    const state = after(50);
    state.add({ type: "checkpoint", step: 40, path: "a", best: true });
    state.add({ type: "checkpoint", step: 50, path: "b", best: false });
    state.add({ type: "log", text: "first\nlast line\n" });
    expect(frame(state, { ...plain, width: 81 })).toEqual([
      "runs/mine                                                         step 50 of 200",
      `${"█".repeat(19)}${"░".repeat(55)}  25 %`,
      "1 h 7 min left   16.0 pictures/s   epoch 1.50   rate 1e-4   2.0 GB   waits 20 %…",
      "",
      `total      1.50  ${sparkline(
        Array.from({ length: 50 }, (_, index) => 1.99 - index / 100),
        60,
      )}`,
      `boxes     0.250  ${"▁".repeat(50)}`,
      "",
      "checkpoint (step 50); best (step 40)",
      "last line",
    ]);
  });

  it("says that it starts, and that it measures", () => {
    const state = new ViewState();
    expect(frame(state, { ...plain, width: 41 })).toEqual([
      "runs/mine                       starting",
      `${"░".repeat(34)}   0 %`,
    ]);
    state.add({ type: "progress", pictures: 3, totalPictures: 9, etaSeconds: 1 });
    expect(frame(state, { ...plain, width: 41 }).slice(2)).toEqual(["", "measuring: 3 of 9 pictures"]);
    state.add({ type: "evaluation", step: 1, metrics: {} });
    expect(frame(state, { ...plain, width: 41 })).toHaveLength(2);
  });

  it("leaves out what is not known", () => {
    const state = new ViewState();
    const step = stepOf(1, {
      picturesPerSecond: undefined,
      memoryBytes: null,
      dataSeconds: 0,
      losses: { total: null },
    });
    state.add(step);
    expect(frame(state, { ...plain, width: 81 }).slice(2)).toEqual([
      "1 h 7 min left   0.500 s a step   epoch 1.50   rate 1e-4",
      "",
      "total         –  ",
    ]);
  });

  it.each([5, 30, 60, 80, 200])("fits into %d columns, whatever its words", (width) => {
    const state = after(3);
    state.add({ type: "log", text: "長い行".repeat(60) });
    const lines = frame(state, { ...plain, title: `runs/${"é".repeat(120)}`, width });
    for (const line of lines) expect(columns(line)).toBeLessThan(Math.max(width, 21));
  });

  it("keeps curves of long runs short, and their shape", () => {
    const state = after(100_000);
    const curve = state.losses.get("total") ?? [];
    expect(curve.length).toBeLessThan(2000);
    expect(curve.length).toBeGreaterThan(500);
    expect(curve).toEqual(curve.toSorted((a, b) => b - a));
  });
});

it.each([
  [[], ""],
  [[1], "▁"],
  [[3, 3, 3], "▁▁▁"],
  [[0, 1, 2, 3, 4, 5, 6, 7], "▁▂▃▄▅▆▇█"],
  [[0, 0, 7, 7], "▁▁██"],
])("%j is %s", (values, curve) => {
  expect(sparkline(values, 10)).toBe(curve);
});

it("a curve that is too long is averaged", () => {
  expect(sparkline([0, 2, 4, 6, 8, 10], 3)).toBe("▁▅█");
});
