import type { RunEvent } from "../../protocol/run-events.ts";

export type RunStart = Extract<RunEvent, { type: "start" }>;
export type RunEnd = Extract<RunEvent, { type: "done" | "failed" }>;

/**
 * The events that count: where a run went on from a checkpoint, what it had done after that one is done again, and how it
 * had ended is over.
 */
export function history(events: readonly RunEvent[]): RunEvent[] {
  let kept: RunEvent[] = [];
  for (const event of events) {
    if (event.type === "start") {
      const { step } = event;
      kept = step === 0 ? [] : kept.filter((before) => !isEnd(before) && (stepOf(before) ?? 0) <= step);
    }
    // One that could not even start again.
    if (isEnd(event)) kept = kept.filter((before) => !isEnd(before));
    kept.push(event);
  }
  return kept;
}

/** What a run's last start began: events from there on. */
export function lastSession(events: readonly RunEvent[]): RunEvent[] {
  const at = events.findLastIndex(({ type }) => type === "start");
  return events.slice(Math.max(0, at));
}

export function isEnd(event: RunEvent): event is RunEnd {
  return event.type === "done" || event.type === "failed";
}

function stepOf(event: RunEvent): number | undefined {
  return event.type !== "start" && "step" in event ? event.step : undefined;
}
