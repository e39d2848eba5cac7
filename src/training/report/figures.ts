import type { RunEvent } from "../../protocol/run-events.ts";
import type { Curve } from "./curve.ts";

type Step = Extract<RunEvent, { type: "step" }>;
type Evaluation = Extract<RunEvent, { type: "evaluation" }>;

/** The curves of a run, those of the losses first, `total` before its parts. */
export function lossCurves(events: readonly RunEvent[]): Curve[] {
  const steps = events.filter((event): event is Step => event.type === "step");
  const names = [...new Set(steps.flatMap(({ losses }) => Object.keys(losses)))];
  const ordered = names.toSorted((a, b) => Number(b === "total") - Number(a === "total"));
  return ordered.map((name) => curve(name, steps, ({ losses }) => losses[name] ?? null, true));
}

export function paceCurves(events: readonly RunEvent[]): Curve[] {
  const steps = events.filter((event): event is Step => event.type === "step");
  return [
    curve("learning rate", steps, ({ learning_rate: rate }) => rate, false),
    curve("pictures per second", steps, ({ pictures_per_second: rate }) => rate, true),
  ].filter(({ points }) => points.length > 0);
}

export function metricCurves(events: readonly RunEvent[]): Curve[] {
  const evaluations = events.filter((event): event is Evaluation => event.type === "evaluation");
  const of = (prefix: string, metrics: (event: Evaluation) => Record<string, number | null> | null): Curve[] =>
    [...new Set(evaluations.flatMap((event) => Object.keys(metrics(event) ?? {})))].map((name) =>
      curve(`${prefix}${name}`, evaluations, (event) => metrics(event)?.[name] ?? null, false),
    );
  return [...of("", ({ metrics }) => metrics), ...of("kept: ", ({ replay_metrics: metrics }) => metrics)].filter(
    ({ points }) => points.length > 0,
  );
}

function curve<E extends { step: number }>(
  name: string,
  events: readonly E[],
  value: (event: E) => number | null,
  smooth: boolean,
): Curve {
  const points = events.flatMap((event) => {
    const y = value(event);
    return y === null ? [] : [[event.step, y] as const];
  });
  return { name, points, smooth };
}
