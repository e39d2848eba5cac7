import type { Metrics } from "../../training/events.ts";
import type { TrainResult } from "../../training/results.ts";
import type { TrainingRun } from "../../training/training-run.ts";
import { table } from "../table.ts";
import { RunView } from "./view.ts";
import { duration, metric } from "./words.ts";

export interface WatchOptions {
  title: string;
  /** Print events and the result as JSON, one a line, instead. */
  json?: boolean | undefined;
  /** What a Ctrl-C does; the second one comes with `again`. What it returns is said. */
  interrupt: (again: boolean) => string;
}

/** Shows a run to its end. @throws what the run ends with */
export async function watch(run: TrainingRun, { title, json, interrupt }: WatchOptions): Promise<TrainResult> {
  using view = json ? undefined : new RunView(title);
  let asked = 0;
  const signalled = (): void => {
    const text = interrupt(asked > 0);
    asked += 1;
    view?.say(text);
  };
  process.on("SIGINT", signalled).on("SIGTERM", signalled);
  try {
    for await (const event of run) {
      if (json) console.log(JSON.stringify(event));
      else view?.add(event);
    }
    return await run.result;
  } finally {
    process.off("SIGINT", signalled).off("SIGTERM", signalled);
  }
}

/** How a run ended, as a person reads it. */
export function describeResult(result: TrainResult): string {
  const { ended, steps, totalSteps, seconds, metrics, metricsBefore, checkpoint, best, prompt } = result;
  const measured = [
    ...measures("", metrics, metricsBefore),
    ...measures("kept: ", result.replayMetrics, result.replayMetricsBefore),
  ];
  const files = Object.entries({ checkpoint, best, prompt }).flatMap(([name, path]) =>
    typeof path === "string" ? [`${name.padEnd(11)}${path}`] : [],
  );
  const head = `${ended} after ${steps} of ${totalSteps} steps, ${duration(seconds)}`;
  return [head, ...(measured.length > 0 ? table(measured) : []), ...files].join("\n");
}

function measures(prefix: string, metrics: Metrics | null | undefined, before: Metrics | null | undefined): string[][] {
  return Object.entries(metrics ?? {}).map(([name, value]) => {
    const at = before?.[name];
    return [prefix + name, metric(value), ...(at === undefined ? [] : [`(before: ${metric(at)})`])];
  });
}
