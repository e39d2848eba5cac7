import type { Command } from "commander";
import { resolve } from "node:path";
import { measuredSplits, type SceneFolder, sceneSplit } from "../datasets/scenes/split.ts";
import type { SceneSplit } from "../datasets/scenes/splits.ts";
import { GlipError } from "../errors.ts";
import type { SceneEvaluation, SceneTask } from "../evaluation/scenes.ts";
import { launch } from "../launch.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf, wholeNumber } from "./model-flags.ts";
import { named } from "./named.ts";
import { Status } from "./status.ts";

interface Flags extends ModelFlags {
  data: string;
  task: string;
  pictures?: number;
  json?: boolean;
}

const INTERRUPTED = 130;
const PREFIX = "scenes:";
const tasks = ["detect", "ground"] as const satisfies readonly SceneTask[];

export function addEvaluate(program: Command): void {
  const command = program
    .command("evaluate")
    .description("measure a model on annotated pictures")
    .requiredOption("--data <data>", `scenes:SPLIT (${measuredSplits.join(", ")}), or scenes:DIR of \`glip scenes\``)
    .option("--task <task>", `${tasks.join(" or ")}: boxes of categories, or phrases of sentences`, "detect")
    .option("--pictures <n>", "the first so many (default: all)", wholeNumber)
    .option("--json", "print JSON instead of text");
  addModelFlags(command).action(run);
}

async function run(flags: Flags): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const task = taskOf(flags.task);
    const given = dataOf(flags.data);
    if (flags.pictures === 0) throw invalid("--pictures", "number >=1", "0");
    const { device, threads, home, python, pictures } = flags;
    const model = modelOptionsOf(flags);
    const { signal } = stop;
    const data = typeof given === "string" ? await draw(given, { home, signal, status }) : given;
    status.show(`Starting the worker and loading ${flags.model ?? "its model"}`);
    await using glip = await launch({ ...model, device, threads, home, interpreter: python, signal });
    await using evaluation = glip.evaluate({ data, task, pictures, signal });
    for await (const { done, total } of evaluation) status.show(`Looking at picture ${done} of ${total}`);
    const result = await evaluation.result;
    status.clear();
    console.log(flags.json ? JSON.stringify(result) : describe(result));
  } catch (error) {
    status.clear();
    if (!stop.signal.aborted) throw named(error);
    process.exitCode = INTERRUPTED;
  } finally {
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

/** A split is drawn once, in seconds. */
function draw(split: SceneSplit, given: { home: string | undefined; signal: AbortSignal; status: Status }) {
  const { home, signal, status } = given;
  return sceneSplit(split, {
    home,
    signal,
    onProgress: ({ done, total }) => status.show(`Drawing ${split}: ${done} of ${total} pictures`),
  });
}

function taskOf(given: string): SceneTask {
  const task = tasks.find((one) => one === given);
  if (task === undefined) throw invalid("--task", `one of ${tasks.join(", ")}`, JSON.stringify(given));
  return task;
}

/** A split's name, or a folder: what holds a slash or a dot is one. */
function dataOf(given: string): SceneSplit | SceneFolder {
  const name = given.slice(PREFIX.length);
  const split = measuredSplits.find((one) => one === name);
  if (given.startsWith(PREFIX) && split !== undefined) return split;
  if (given.startsWith(PREFIX) && /[/\\.]/.test(name)) return { format: "scenes", folder: resolve(name) };
  const expected = `${measuredSplits.map((one) => PREFIX + one).join(", ")}, or scenes: and a folder (scenes:./mine/val)`;
  throw invalid("--data", expected, JSON.stringify(given));
}

function describe({ task, split, pictures, metrics, seconds }: SceneEvaluation): string {
  const rows = Object.entries(metrics).map(([name, value]) => `${name.padEnd(14)}${value?.toFixed(3) ?? "–"}`);
  return [`${task} on ${pictures} pictures of ${split}, ${seconds.toFixed(1)} s`, ...rows].join("\n");
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  const details = { path, expected, received };
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, details);
}
