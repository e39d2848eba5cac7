import { InvalidArgumentError } from "commander";
import { type MiniName, miniBenchmark, miniNames } from "../datasets/benchmarks/mini.ts";
import { miniOdinwSets } from "../datasets/benchmarks/mini-odinw.ts";
import { type BenchmarkName, benchmarkNames } from "../evaluation/benchmark-metrics.ts";
import type { BenchmarkEvent, BenchmarkSource } from "../evaluation/benchmark.ts";
import type { BenchmarkResult, Figures } from "../evaluation/benchmark-result.ts";
import type { Glip } from "../glip.ts";
import { parseData } from "./data.ts";
import type { Status } from "./status.ts";
import { table } from "./table.ts";

const MINI = "mini:";

/** By which the worker knows the file that --prompt names. */
const PROMPT = "tuned";

/** The benchmark that each miniature is of. */
const miniatures: Record<MiniName, BenchmarkName> = {
  coco: "coco",
  lvis: "lvis-minival",
  flickr30k: "flickr30k",
  phrasecut: "phrasecut",
  refcoco: "refcoco",
  odinw: "odinw13",
  vqav2: "vqav2",
  captions: "coco-captions",
};

/** What `--benchmark` names. */
export interface ChosenBenchmark {
  name: BenchmarkName;
  /** Its miniature, which is drawn. */
  mini?: MiniName;
}

export interface BenchmarkFlags {
  benchmark: ChosenBenchmark;
  data?: string;
  out?: string;
  resume?: boolean;
  masks?: boolean;
  problems?: "fail" | "skip";
  pictures?: number;
  sets?: string[];
  prompt?: string;
}

/** Flags that say something of benchmarks alone. */
export const ofBenchmarks = ["out", "resume", "masks", "problems", "sets", "prompt"] as const;

export const benchmarkChoices = [...benchmarkNames, ...miniNames.map((name) => MINI + name)];

export function benchmarkOf(given: string): ChosenBenchmark {
  const name = benchmarkNames.find((one) => one === given);
  if (name !== undefined) return { name };
  const mini = miniNames.find((one) => MINI + one === given);
  if (mini !== undefined) return { name: miniatures[mini], mini };
  throw new InvalidArgumentError(`Expected ${benchmarkChoices.join(", ")}.`);
}

/** The data root: what the command names, or the miniature's. */
export async function benchmarkData(
  { benchmark: { mini }, data }: BenchmarkFlags,
  { home, signal, status }: { home: string | undefined; signal: AbortSignal; status: Status },
): Promise<BenchmarkSource> {
  if (mini !== undefined && data === undefined) {
    const text = "Drawing the pictures";
    status.show(text);
    const onProgress = ({ done, total }: { done: number; total: number }): void =>
      status.update(`${text}: ${done} of ${total}`);
    return miniBenchmark(mini, { home, signal, onProgress });
  }
  if (data === undefined) throw new Error("the command sees that there is --data");
  if (!/^(coco|lvis|coco-captions):/.test(data)) return data;
  return parseData(data) as Exclude<BenchmarkSource, string>;
}

/** Runs it on the loaded model, and says how far it is. */
export async function measure(
  glip: Glip,
  { benchmark: { name: benchmark, mini }, out: output, resume, masks, problems, pictures, ...flags }: BenchmarkFlags,
  data: BenchmarkSource,
  { signal, status }: { signal: AbortSignal; status: Status },
): Promise<BenchmarkResult> {
  const sets = flags.sets ?? (mini === "odinw" ? miniOdinwSets : undefined);
  const prompt = flags.prompt === undefined ? undefined : PROMPT;
  if (flags.prompt !== undefined) await glip.usePrompts({ [PROMPT]: flags.prompt });
  const options = { benchmark, data, output, resume, masks, problems, pictures, sets, prompt, signal };
  await using evaluation = glip.evaluate(options);
  status.show("Reading the annotations");
  for await (const event of evaluation) show(event, status);
  return await evaluation.result;
}

function show(event: BenchmarkEvent, status: Status): void {
  if (event.type === "start") status.show(`Looking at the pictures, into ${event.output}`);
  else if (event.type === "scoring") status.show(`Scoring the predictions of ${event.pictures} pictures`);
  else if (event.type === "problem") console.error(`${event.where}: ${event.reason}`);
  else {
    const left = event.etaSeconds < 1 ? "" : `, ${duration(event.etaSeconds)} left`;
    status.update(`Looking at the pictures: ${event.done} of ${event.total}${left}`);
  }
}

function duration(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  if (minutes < 2) return `${Math.round(seconds)} s`;
  return minutes < 120 ? `${minutes} min` : `${(minutes / 60).toFixed(1)} h`;
}

export function describeBenchmark(result: BenchmarkResult): string {
  const { benchmark, pictures, problems, parts, notes, output, seconds } = result;
  const skipped = problems.length > 0 ? ` (${problems.length} left out)` : "";
  const head = `${benchmark} on ${pictures} pictures${skipped}, ${seconds.toFixed(1)} s, in ${output}`;
  const remarks = Object.entries(notes).map(([name, note]) => `${name}: ${note}`);
  return [head, ...table(result.rows()), ...setRows(parts["sets"]), ...remarks].join("\n");
}

/** Of each set, its average precision. */
function setRows(sets: Readonly<Record<string, Figures>> | undefined): string[] {
  return sets === undefined ? [] : table(Object.entries(sets).map(([name, { AP }]) => [name, AP?.toFixed(3) ?? "–"]));
}
