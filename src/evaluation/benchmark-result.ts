import type { Result } from "../protocol/methods.ts";
import { type MediaBundle, type Row, showTable } from "../training/table.ts";
import { type BenchmarkMetrics, type BenchmarkName, metricsOf } from "./benchmark-metrics.ts";

/** A picture that is not measured, and why. */
export interface PictureProblem {
  kind: "missing_picture" | "unreadable_picture" | "wrong_size" | "unusable_text";
  /** Its file. */
  where: string;
  reason: string;
}

/** Figures by their names; null where there is nothing to measure. */
export type Figures = Readonly<Record<string, number | null>>;

/** What a benchmark gives. */
export class BenchmarkResult<Name extends BenchmarkName = BenchmarkName> {
  readonly benchmark: Name;
  /** Pictures that were measured. */
  readonly pictures: number;
  /** Those that were not; none unless `problems` is `skip`. */
  readonly problems: readonly PictureProblem[];
  readonly metrics: BenchmarkMetrics[Name];
  /** The same of each part, by the kind of part: `parts.categories.cat.box`. */
  readonly parts: Readonly<Record<string, Readonly<Record<string, Figures>>>>;
  /** Of figures that could not be taken, or not as the published ones are: why, and what to do. */
  readonly notes: Readonly<Record<string, string>>;
  /** File with a line of JSON for each picture, on the worker's host. */
  readonly predictions: string;
  /** Absolute path of the run's folder, with `result.json` in it too. */
  readonly output: string;
  readonly seconds: number;

  /** For the verb that gives it. @throws GlipError `invalid_message` */
  constructor(benchmark: Name, result: Result<"evaluate.benchmark">) {
    this.benchmark = benchmark;
    this.pictures = result.pictures;
    this.problems = result.problems;
    this.metrics = metricsOf(benchmark, result.metrics);
    this.parts = result.parts;
    this.notes = result.notes;
    this.predictions = result.predictions;
    this.output = result.output;
    this.seconds = result.seconds;
  }

  /** Each figure by its name, as it is printed. */
  rows(): Row[] {
    return Object.entries(figuresOf(this.metrics)).map(([name, value]) => [name, value?.toFixed(3) ?? "–"]);
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    const head: Row[] = [
      ["benchmark", this.benchmark],
      ["pictures", String(this.pictures)],
    ];
    return showTable([...head, ...this.rows(), ...Object.entries(this.notes)]);
  }
}

/** `metrics.box.AP` as `box.AP`. */
export function figuresOf(metrics: object): Figures {
  return Object.fromEntries(flat(metrics, ""));
}

function flat(metrics: object, before: string): [name: string, value: number | null][] {
  return Object.entries(metrics).flatMap(([name, value]: [string, number | null | object | undefined]) => {
    if (value === undefined) return [];
    if (typeof value === "object" && value !== null) return flat(value, `${before}${name}.`);
    return [[before + name, value] as [string, number | null]];
  });
}
