import type { Metrics } from "../events.ts";

/** One line of a sweep's table. */
export interface SweepRow {
  /** Of the run, and of its folder. */
  name: string;
  /** Absolute. */
  output: string;
  /** How the run's values are called. */
  labels: Readonly<Record<string, string>>;
  /** `failed`: `error` says why. */
  ended: "completed" | "plateau" | "stopped" | "failed";
  steps: number | null;
  seconds: number | null;
  checkpoint: string | null;
  /** Of the training's last evaluation, and what `measure` gave. */
  metrics: Metrics;
  error: { code: string; message: string } | null;
}

/** Rows that differ in one value alone, e.g. the seed, taken together. */
export interface SweepGroup {
  labels: Readonly<Record<string, string>>;
  /** How many runs there are of it, those that failed or were stopped left out. */
  runs: number;
  /** Mean and sample standard deviation (of one run: null) of each metric that all of them have. */
  metrics: Readonly<Record<string, { mean: number; deviation: number | null }>>;
}

export function groupRows(rows: readonly SweepRow[], over: string): SweepGroup[] {
  const groups = new Map<string, SweepRow[]>();
  for (const row of rows) {
    const key = JSON.stringify({ ...row.labels, [over]: undefined });
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  return [...groups.values()].map((members) => {
    const { [over]: _, ...labels } = members[0]?.labels ?? {};
    const good = members.filter(({ ended }) => ended !== "failed" && ended !== "stopped");
    const metrics = metricNames(good).flatMap((name) => {
      const values = good.map((row) => row.metrics[name]);
      return values.every((value) => typeof value === "number") ? [[name, spread(values)] as const] : [];
    });
    return { labels, runs: good.length, metrics: Object.fromEntries(metrics) };
  });
}

/** Names of all metrics, in the order in which they first come. */
export function metricNames(rows: readonly SweepRow[]): string[] {
  return [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))];
}

export function spread(values: readonly number[]): { mean: number; deviation: number | null } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return { mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: Math.sqrt(squares / (values.length - 1)) };
}
