import { type Command, InvalidArgumentError, Option } from "commander";
import { resolve } from "node:path";
import { checkFile } from "../datasets/check.ts";
import {
  checkSceneFolder,
  type MeasuredSplit,
  measuredSplits,
  type SceneFolder,
  sceneSplit,
} from "../datasets/scenes/split.ts";
import type { BenchmarkResult } from "../evaluation/benchmark-result.ts";
import { metricRows, type SceneEvaluation, type SceneTask, sceneTasks } from "../evaluation/scenes.ts";
import type { Glip } from "../glip.ts";
import { launch } from "../launch.ts";
import type { CheckedModelOptions } from "../model-options.ts";
import {
  benchmarkChoices,
  benchmarkData,
  type BenchmarkFlags,
  benchmarkOf,
  describeBenchmark,
  measure,
  ofBenchmarks,
} from "./evaluate-benchmark.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf, wholeNumber } from "./model-flags.ts";
import { named } from "./named.ts";
import { Status } from "./status.ts";

interface Flags extends ModelFlags, Partial<BenchmarkFlags> {
  task: SceneTask;
  json?: boolean;
}

type Scenes = MeasuredSplit | SceneFolder;

const INTERRUPTED = 130;
const PREFIX = "scenes:";
const standard = measuredSplits.map((split) => PREFIX + split);

export function addEvaluate(program: Command): void {
  const task = new Option(
    "--task <task>",
    "what is measured: boxes of categories, phrases of sentences, the masks of both, answers, or captions",
  );
  const problems = new Option(
    "--problems <policy>",
    "pictures that cannot be read fail a benchmark at its end, or are left out",
  );
  const data = `${standard.join(", ")}, or ${PREFIX} and a folder of \`glip scenes\`; of a benchmark, its root folder`;
  const command = program
    .command("evaluate")
    .description("measure a model on annotated pictures")
    .option("--benchmark <name>", `one of the field: ${benchmarkChoices.join(", ")}`, benchmarkOf)
    .option("--data <data>", data)
    .option("--out <dir>", "the folder of a benchmark's run (default: a new one)")
    .option("--resume", "go on with the benchmark's run in --out")
    .option("--masks", "measure a benchmark's masks, too")
    .option("--sets <names>", "of a benchmark that is many sets: these, with commas between (default: all)", setsOf)
    .option("--prompt <file>", "a tuned prompt for a benchmark of its categories")
    .addOption(problems.choices(["fail", "skip"]))
    .addOption(task.choices(sceneTasks).default("detect"))
    .option("--pictures <n>", "the first so many (default: all)", picturesOf)
    .option("--json", "print JSON instead of text");
  addModelFlags(command).action((flags: Flags) => {
    const { benchmark, data } = flags;
    checkTogether(flags, command);
    if (data === undefined && benchmark?.mini === undefined)
      command.error("error: required option '--data <data>' not specified");
    if (benchmark !== undefined)
      return run(flags, (stop, status) => byBenchmark({ ...flags, benchmark }, stop, status));
    const scenes = scenesOf(data as string, command);
    return run(flags, (stop, status) => onScenes(flags, scenes, stop, status));
  });
}

type Measured = SceneEvaluation | BenchmarkResult;

async function run(flags: Flags, evaluate: (signal: AbortSignal, status: Status) => Promise<Measured>): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const result = await evaluate(stop.signal, status);
    status.clear();
    console.log(flags.json ? JSON.stringify(result) : "task" in result ? describe(result) : describeBenchmark(result));
  } catch (error) {
    status.clear();
    if (!stop.signal.aborted) throw named(error);
    process.exitCode = INTERRUPTED;
  } finally {
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

async function byBenchmark(
  flags: Flags & BenchmarkFlags,
  signal: AbortSignal,
  status: Status,
): Promise<BenchmarkResult> {
  const model = modelOptionsOf(flags);
  if (flags.prompt !== undefined) checkFile(flags.prompt, "--prompt");
  const data = await benchmarkData(flags, { home: flags.home, signal, status });
  await using glip = await start(flags, model, signal, status);
  return await measure(glip, flags, data, { signal, status });
}

async function onScenes(flags: Flags, given: Scenes, signal: AbortSignal, status: Status): Promise<SceneEvaluation> {
  const { task, pictures, home } = flags;
  const model = modelOptionsOf({ ...flags, engine: engineOf(flags) });
  if (typeof given === "object") checkSceneFolder(given.folder);
  const data = typeof given === "string" ? await draw(given, { home, signal, status }) : given;
  await using glip = await start(flags, model, signal, status);
  await using evaluation = glip.evaluate({ data, task, pictures, signal });
  status.show("Looking at the pictures");
  for await (const { done, total } of evaluation) status.update(`Looking at the pictures: ${done} of ${total}`);
  return await evaluation.result;
}

function start(flags: Flags, model: CheckedModelOptions, signal: AbortSignal, status: Status): Promise<Glip> {
  const { device, threads, home, python } = flags;
  status.show(`Starting the worker and loading ${flags.model ?? "its model"}`);
  return launch({ ...model, device, threads, home, interpreter: python, signal });
}

/** Only the native engine measures on scenes; told nothing of a model, `launch` has one of it. */
function engineOf({ engine, model, weights }: Flags): Flags["engine"] {
  return engine ?? (model === undefined && weights === undefined ? undefined : "native");
}

/** A split is drawn once, in seconds. */
function draw(split: MeasuredSplit, given: { home: string | undefined; signal: AbortSignal; status: Status }) {
  const { status, ...options } = given;
  const text = `Drawing the pictures of ${split}`;
  status.show(text);
  return sceneSplit(split, {
    ...options,
    onProgress: ({ done, total }) => status.update(`${text}: ${done} of ${total}`),
  });
}

/** Scenes are measured by a task, benchmarks by their own rules: neither takes what is said of the other. */
function checkTogether(flags: Flags, command: Command): void {
  const alone = ofBenchmarks.find((name) => flags[name] !== undefined);
  if (flags.benchmark === undefined && alone !== undefined)
    command.error(`error: option '--${alone}' is of benchmarks. Expected --benchmark beside it.`);
  if (flags.benchmark !== undefined && command.getOptionValueSource("task") === "cli")
    command.error("error: option '--task' is of scenes. Expected no --benchmark beside it.");
}

/** A split's name, or a folder: what holds a slash or a dot is one. */
function scenesOf(given: string, command: Command): Scenes {
  const name = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : "";
  const split = measuredSplits.find((one) => one === name);
  if (split !== undefined) return split;
  if (/[/\\.]/.test(name)) return { format: "scenes", folder: resolve(name) };
  const folder = `${PREFIX} and a folder (${PREFIX}./mine/val)`;
  const expected = `Expected ${standard.join(", ")}, or ${folder}.`;
  return command.error(`error: option '--data <data>' argument '${given}' is invalid. ${expected}`);
}

function setsOf(given: string): string[] {
  const names = given.split(",").map((name) => name.trim());
  if (names.includes("")) throw new InvalidArgumentError("Expected names with commas between.");
  return names;
}

function picturesOf(given: string): number {
  const count = wholeNumber(given);
  if (count === 0) throw new InvalidArgumentError("Expected a whole number, 1 or more.");
  return count;
}

function describe({ task, split, pictures, metrics, seconds }: SceneEvaluation): string {
  const rows = metricRows(metrics);
  const width = Math.max(14, ...rows.map(([name]) => name.length + 2));
  return [
    `${task} on ${pictures} pictures of ${split}, ${seconds.toFixed(1)} s`,
    ...rows.map(([name, value]) => name.padEnd(width) + value),
  ].join("\n");
}
