import type { Metrics } from "../../training/events.ts";
import { columns, cut } from "../table.ts";
import { sparkline } from "./spark.ts";
import type { ViewState } from "./state.ts";
import { bytes, duration, metric, number } from "./words.ts";

export interface FrameOptions {
  title: string;
  /** Of the terminal. */
  width: number;
  /** Makes a text less loud, if the terminal can. */
  dim: (text: string) => string;
}

const WIDEST_CURVE = 60;

/** What a live view shows, line by line, none wider than the terminal. */
export function frame(state: ViewState, { title, width, dim }: FrameOptions): string[] {
  const { step, totalSteps } = state;
  const room = Math.max(20, width - 1);
  const where = step === undefined ? "starting" : `step ${step.step} of ${step.totalSteps}`;
  const head = spread(cut(title, room - columns(where) - 2), where, room);
  const bar = progressBar(step === undefined || totalSteps === null ? 0 : step.step / totalSteps, room);
  const lines = [head, dim(bar)];
  if (step === undefined) return [...lines, ...last(state, room, dim)];
  const waiting = step.seconds > 0 ? step.dataSeconds / step.seconds : 0;
  const rate = step.picturesPerSecond;
  const facts = [
    `${duration(step.etaSeconds)} left`,
    ...(rate === undefined ? [`${number(step.seconds)} s a step`] : [`${number(rate)} pictures/s`]),
    `epoch ${step.epoch.toFixed(2)}`,
    `rate ${number(step.learningRate)}`,
    ...(step.memoryBytes === null ? [] : [bytes(step.memoryBytes)]),
    ...(waiting >= 0.05 ? [`waits ${Math.round(100 * waiting)} % for pictures`] : []),
  ];
  return [...lines, cut(facts.join("   "), room), "", ...lossLines(state, room, dim), ...last(state, room, dim)];
}

function lossLines(state: ViewState, room: number, dim: FrameOptions["dim"]): string[] {
  const losses = Object.entries(state.step?.losses ?? {}).toSorted(
    ([a], [b]) => Number(b === "total") - Number(a === "total"),
  );
  const names = Math.max(...losses.map(([name]) => name.length));
  return losses.map(([name, value]) => {
    const text = `${name.padEnd(names)}  ${number(value).padStart(8)}`;
    const space = Math.min(WIDEST_CURVE, room - columns(text) - 2);
    const curve = space < 10 ? "" : `  ${dim(sparkline(state.losses.get(name) ?? [], space))}`;
    return cut(text, room) + curve;
  });
}

/** What was written last, and what goes on beside the steps. */
function last({ checkpoint, best, progress, log }: ViewState, room: number, dim: FrameOptions["dim"]): string[] {
  const lines: string[] = [];
  if (progress !== undefined) lines.push(`measuring: ${progress.pictures} of ${progress.totalPictures} pictures`);
  if (checkpoint !== undefined) {
    const better = best === undefined || best === checkpoint ? "" : `; best${atStep(best.step)}`;
    lines.push(`checkpoint${atStep(checkpoint.step)}${better}`);
  }
  const shown = lines.map((line) => cut(line, room));
  if (log !== undefined) shown.push(dim(cut(log, room)));
  return shown.length > 0 ? ["", ...shown] : [];
}

/** `AP 0.312   AP50 0.480` */
export function metricsText(metrics: Metrics): string {
  return Object.entries(metrics)
    .map(([name, value]) => `${name} ${metric(value)}`)
    .join("   ");
}

function atStep(step: number | null): string {
  return step === null ? "" : ` (step ${step})`;
}

function progressBar(part: number, width: number): string {
  const label = `${Math.floor(100 * part)} %`.padStart(6);
  const room = width - label.length;
  const full = Math.round(part * room);
  return "█".repeat(full) + "░".repeat(room - full) + label;
}

function spread(left: string, right: string, width: number): string {
  return left + " ".repeat(Math.max(2, width - columns(left) - columns(right))) + right;
}
