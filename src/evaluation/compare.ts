import { basename } from "node:path";
import { GlipError } from "../errors.ts";
import type { BenchmarkName } from "./benchmark-metrics.ts";
import { BenchmarkResult, figuresOf } from "./benchmark-result.ts";
import { type Column, columnsOf } from "./columns.ts";
import { Comparison, type ComparisonRow } from "./comparison.ts";
import { publishedFigures } from "./published.ts";
import { readBenchmarkRun } from "./run-folder.ts";

/** Pictures of the benchmarks that are one set of a known size: figures of another number of them compare with nothing. */
const SIZES: Readonly<Partial<Record<string, number>>> = {
  coco: 5000,
  "lvis-minival": 4809,
  "lvis-val": 19809,
  flickr30k: 1000,
  vqav2: 40504,
  "coco-captions": 5000,
  "coco-captions-val2017": 5000,
} satisfies Partial<Record<BenchmarkName, number>>;

/** A run's figures, as they are compared. */
export interface Compared {
  name: string;
  benchmark: string;
  pictures: number;
  metrics: Readonly<Record<string, number | null>>;
}

/**
 * The figures of a benchmark's runs beside published ones of GLIP, GLIPv2 and their peers.
 * @param runs runs of one benchmark, each its folder or its result; a row is named for its run's folder
 * @example console.log((await compare("runs/coco")).markdown())
 * @throws GlipError `invalid_argument` when there is no run, or they are of several benchmarks; `file_error`
 */
export async function compare(
  runs: string | BenchmarkResult | readonly (string | BenchmarkResult)[],
): Promise<Comparison> {
  const given = Array.isArray(runs) ? runs : [runs];
  return comparison(await Promise.all(given.map(comparedOf)));
}

async function comparedOf(run: string | BenchmarkResult): Promise<Compared> {
  if (!(run instanceof BenchmarkResult)) return readBenchmarkRun(run);
  const { benchmark, pictures, metrics, output } = run;
  return { name: basename(output), benchmark, pictures, metrics: figuresOf(metrics) };
}

/** @throws as `compare` */
export function comparison(runs: readonly Compared[]): Comparison {
  const benchmarks = [...new Set(runs.map(({ benchmark }) => benchmark))];
  const [benchmark] = benchmarks;
  if (benchmark === undefined || benchmarks.length > 1) {
    const [expected, received] = ["runs of one benchmark", benchmarks.join(" and ") || "none"];
    const details = { path: "runs", expected, received };
    throw new GlipError("invalid_argument", `runs: expected ${expected}, got ${received}`, details);
  }
  const columns = columnsOf(benchmark, new Set(runs.flatMap(({ metrics }) => Object.keys(metrics))));
  const names = columns.map(({ name }) => name);
  const own = runs.map(({ name: model, pictures, metrics }): ComparisonRow => {
    const figures = columns.map(({ name, figure }) => [name, hundredfold(metrics[figure])] as const);
    const note = `this run, ${described(benchmark, pictures)}`;
    return { model, setting: undefined, figures: Object.fromEntries(figures), source: undefined, note };
  });
  return new Comparison(benchmark, names, [...own, ...publishedRows(columns)]);
}

/** In the order in which they stand; what one place says of a model is one row. */
function publishedRows(columns: readonly Column[]): ComparisonRow[] {
  const rows = new Map<string, ComparisonRow>();
  for (const { benchmark, model, setting, figures, source, note } of publishedFigures()) {
    const known = columns.flatMap(({ name, metric, benchmark: of }): [string, number][] => {
      const value = of === benchmark ? figures[metric] : undefined;
      return value === undefined ? [] : [[name, value]];
    });
    if (known.length === 0) continue;
    const key = JSON.stringify([model, setting, source, note]);
    const row = rows.get(key) ?? { model, setting, figures: {}, source, note };
    rows.set(key, { ...row, figures: { ...row.figures, ...Object.fromEntries(known) } });
  }
  return [...rows.values()];
}

function described(benchmark: string, pictures: number): string {
  const size = SIZES[benchmark] ?? pictures;
  return `${pictures} pictures${pictures === size ? "" : ` where the benchmark has ${size.toLocaleString("en")}`}`;
}

function hundredfold(value: number | null | undefined): number | null {
  return typeof value === "number" ? value * 100 : null;
}
