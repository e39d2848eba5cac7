import { spread, type SweepRow } from "./rows.ts";

/** Over sets, then over seeds. */
export interface FewShotMean {
  shots: number;
  /**
   * Over the seeds, of the means over sets; null where the metric of one set and seed is missing, or its run was stopped:
   * no mean of others.
   */
  mean: number | null;
  /** Of the sample; null of one seed. */
  deviation: number | null;
  /** The means over sets. */
  bySeed: Readonly<Record<string, number | null>>;
}

/** Of a sweep over `set`, `shots` and `seed`. */
export function overSets(rows: readonly SweepRow[], metric: string): FewShotMean[] {
  return valuesOf(rows, "shots").map((shots) => {
    const bySeed = Object.fromEntries(
      valuesOf(rows, "seed").map((seed) => {
        const some = rows.filter(({ labels }) => labels["shots"] === shots && labels["seed"] === seed);
        return [seed, meanOf(some.map(({ ended, metrics }) => (ended === "stopped" ? null : metrics[metric])))];
      }),
    );
    const known = Object.values(bySeed).filter((one) => one !== null);
    const whole = known.length === Object.keys(bySeed).length;
    return { shots: Number(shots), ...(whole ? spread(known) : { mean: null, deviation: null }), bySeed };
  });
}

function valuesOf(rows: readonly SweepRow[], label: string): string[] {
  return [...new Set(rows.map(({ labels }) => labels[label] ?? ""))];
}

function meanOf(values: readonly (number | null | undefined)[]): number | null {
  return values.every((one) => typeof one === "number") ? spread(values).mean : null;
}
