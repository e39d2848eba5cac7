import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { RunView } from "../../../src/cli/view/view.ts";
import type { StepEvent } from "../../../src/training/events.ts";

beforeEach(() => void vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] }));
afterEach(() => void vi.useRealTimers());

function screenOf(isTTY: boolean) {
  const written: string[] = [];
  return { written, screen: { isTTY, columns: 60, write: (text: string) => written.push(text) } };
}

function stepOf(step: number): StepEvent {
  const times = { seconds: 0.5, dataSeconds: 0, etaSeconds: 30 };
  return {
    type: "step",
    step,
    totalSteps: 9,
    epoch: 0,
    losses: { tokens: 0.5, total: 1 },
    learningRate: 1,
    memoryBytes: 0,
    ...times,
  };
}

const evaluation = { type: "evaluation", step: 3, metrics: { AP: 0.25 } } as const;

const ESC = String.fromCharCode(27);
const ESCAPE = new RegExp(`^${ESC}\\[([?\\d]*)([A-Za-z])$`);
const CONTROL = new RegExp(`(${ESC}\\[[?\\d]*[A-Za-z]|\r|\n)`);

/** What a terminal shows after all that was written to it. */
function shown(written: readonly string[]): string[] {
  const lines = [""];
  let row = 0;
  for (const part of written.join("").split(CONTROL)) {
    const [, count = "", command = ""] = ESCAPE.exec(part) ?? [];
    if (command === "A") row -= Number(count);
    else if (command === "J") {
      lines.length = row + 1;
      lines[row] = "";
    } else if (part === "\n") lines[(row += 1)] ??= "";
    else if (part !== "\r" && command === "") lines[row] += part;
  }
  return lines;
}

describe("on a terminal", () => {
  it("is drawn in place, with what happens once above it", () => {
    const { written, screen } = screenOf(true);
    const view = new RunView("runs/mine", screen, { NO_COLOR: "1" });
    view.add(stepOf(1));
    vi.advanceTimersByTime(500);
    view.add(evaluation);
    view.add(stepOf(2));
    vi.advanceTimersByTime(500);
    view.add({ type: "warning", text: "careful" });
    view[Symbol.dispose]();
    const lines = shown(written);
    expect(lines.slice(0, 3)).toEqual([
      "step 3: AP 0.250",
      "warning: careful",
      "runs/mine                                       step 2 of 9",
    ]);
    expect(lines.filter((line) => line.startsWith("total"))).toHaveLength(1);
    expect(written[0]).toBe("\u001b[?25l");
    expect(written.at(-1)).toBe("\n\u001b[?25h");
    expect(written.join("")).not.toContain("\u001b[2m");
  });

  it("is over when it is disposed of", () => {
    const { written, screen } = screenOf(true);
    const view = new RunView("runs/mine", screen, {});
    view[Symbol.dispose]();
    view[Symbol.dispose]();
    const before = written.length;
    vi.advanceTimersByTime(1000);
    expect(written).toHaveLength(before);
    view.say("afterwards");
    expect(written.at(-1)).toBe("afterwards\n");
    expect(written.join("")).toContain("\u001b[2m");
  });
});

describe.each<[string, boolean, NodeJS.ProcessEnv]>([
  ["in a pipe", false, {}],
  ["on a dumb terminal", true, { TERM: "dumb" }],
  ["in CI", true, { CI: "true" }],
])("%s", (_, isTTY, env) => {
  it("is plain lines, those of steps now and then", () => {
    const { written, screen } = screenOf(isTTY);
    const view = new RunView("runs/mine", screen, env);
    view.add({ type: "start", totalSteps: 9, step: 0, config: "", command: [] });
    for (let step = 1; step <= 4; step++) {
      view.add(stepOf(step));
      vi.advanceTimersByTime(4000);
    }
    view.add(evaluation);
    view.add({ type: "checkpoint", step: 4, path: "runs/mine/model.safetensors", best: true });
    view.add({ type: "checkpoint", step: 5, path: "worse", best: false });
    view.add(stepOf(9));
    view[Symbol.dispose]();
    const line = (step: number): string => `step ${step} of 9  total 1.00  tokens 0.500  30 s left\n`;
    expect(written).toEqual([
      line(1),
      line(4),
      "step 3: AP 0.250\n",
      "best so far (step 4): runs/mine/model.safetensors\n",
      line(9),
    ]);
  });
});

it("says where a run goes on, and what is measured before it", () => {
  const { written, screen } = screenOf(false);
  const view = new RunView("runs/mine", screen, {});
  view.add({ type: "start", totalSteps: 9, step: 4, config: "", command: [] });
  view.add({ ...evaluation, step: 0 });
  expect(written).toEqual(["going on after step 4\n", "before training: AP 0.250\n"]);
});
