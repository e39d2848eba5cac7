import { type Command, InvalidArgumentError, Option } from "commander";
import { resolve } from "node:path";
import {
  checkSceneFolder,
  type MeasuredSplit,
  measuredSplits,
  type SceneFolder,
  sceneSplit,
} from "../datasets/scenes/split.ts";
import { metricRows, type SceneEvaluation, type SceneTask, sceneTasks } from "../evaluation/scenes.ts";
import { launch } from "../launch.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf, wholeNumber } from "./model-flags.ts";
import { named } from "./named.ts";
import { Status } from "./status.ts";

interface Flags extends ModelFlags {
  data: MeasuredSplit | SceneFolder;
  task: SceneTask;
  pictures?: number;
  json?: boolean;
}

const INTERRUPTED = 130;
const PREFIX = "scenes:";
const standard = measuredSplits.map((split) => PREFIX + split);

export function addEvaluate(program: Command): void {
  const task = new Option(
    "--task <task>",
    "what is measured: boxes of categories, phrases of sentences, the masks of both, answers, or captions",
  );
  const command = program
    .command("evaluate")
    .description("measure a model on annotated pictures")
    .requiredOption("--data <data>", `${standard.join(", ")}, or ${PREFIX} and a folder of \`glip scenes\``, dataOf)
    .addOption(task.choices(sceneTasks).default("detect"))
    .option("--pictures <n>", "the first so many (default: all)", picturesOf)
    .option("--json", "print JSON instead of text");
  addModelFlags(command).action(run);
}

async function run(flags: Flags): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const { task, pictures, device, threads, home, python } = flags;
    const model = modelOptionsOf({ ...flags, engine: engineOf(flags) });
    const { signal } = stop;
    if (typeof flags.data === "object") checkSceneFolder(flags.data.folder);
    const data = typeof flags.data === "string" ? await draw(flags.data, { home, signal, status }) : flags.data;
    status.show(`Starting the worker and loading ${flags.model ?? "its model"}`);
    await using glip = await launch({ ...model, device, threads, home, interpreter: python, signal });
    await using evaluation = glip.evaluate({ data, task, pictures, signal });
    status.show("Looking at the pictures");
    for await (const { done, total } of evaluation) status.update(`Looking at the pictures: ${done} of ${total}`);
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

/** A split's name, or a folder: what holds a slash or a dot is one. */
function dataOf(given: string): Flags["data"] {
  const name = given.startsWith(PREFIX) ? given.slice(PREFIX.length) : "";
  const split = measuredSplits.find((one) => one === name);
  if (split !== undefined) return split;
  if (/[/\\.]/.test(name)) return { format: "scenes", folder: resolve(name) };
  const folder = `${PREFIX} and a folder (${PREFIX}./mine/val)`;
  throw new InvalidArgumentError(`Expected ${standard.join(", ")}, or ${folder}.`);
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
