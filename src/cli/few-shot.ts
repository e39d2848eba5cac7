import { type Command, InvalidArgumentError, Option } from "commander";
import { GlipError, isGlipError } from "../errors.ts";
import {
  fewShot,
  type FewShotMethod,
  fewShotMethods,
  type FewShotOptions,
  type FewShotResult,
  type FewShotTraining,
} from "../few-shot.ts";
import type { TrainingEvent } from "../training/events.ts";
import type { SweepRow } from "../training/sweep/rows.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf, wholeNumber } from "./model-flags.ts";
import { collectOption, type RunOptionsGiven } from "./run-options.ts";
import { Status } from "./status.ts";
import { table } from "./table.ts";

interface Flags extends ModelFlags {
  output: string;
  shots?: number[];
  seeds?: number[];
  method?: FewShotMethod;
  option?: RunOptionsGiven;
  parallel?: number;
  json?: boolean;
}

const INTERRUPTED = 130;

export function addFewShot(program: Command): void {
  const command = program
    .command("few-shot <set...>")
    .description("ODinW's few-shot protocol: a fine-tuning for each set, number of shots and seed, and what they reach")
    .usage("[options] NAME=FOLDER...")
    .requiredOption("--output <dir>", "a folder for all runs and their table; the same command goes on in it")
    .option("--shots <numbers>", "pictures of each category, with commas between (default: 1,3,5,10)", numbers)
    .option("--seeds <numbers>", "by which they are drawn (default: 3,30,300)", numbers)
    .addOption(new Option("--method <method>", "what is trained (default: full)").choices(fewShotMethods))
    .option(
      "--option <key=value>",
      "another option of the training than the recipe's: steps=100 (repeatable)",
      collectOption,
    )
    .option("--parallel <n>", "runs at once (default: 1)", wholeNumber)
    .option("--json", "print JSON instead of text");
  addModelFlags(command).action((sets: string[], flags: Flags) => run(setsOf(sets, command), flags));
}

async function run(sets: Record<string, string>, flags: Flags): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    status.show("Starting the first run");
    const result = await fewShot({
      ...optionsOf(sets, flags),
      onEvent: (name, event) => status.update(`${name}: ${describeEvent(event)}`),
      signal: stop.signal,
    });
    status.clear();
    const { table: found, overall } = result;
    const { rows, groups, failed } = found;
    console.log(flags.json ? JSON.stringify({ rows, groups, overall }) : describe(result));
    if (failed.length > 0 || stoppedOf(found).length > 0) process.exitCode = 1;
  } catch (error) {
    status.clear();
    if (!stop.signal.aborted) throw inFlags(error);
    process.exitCode = INTERRUPTED;
  } finally {
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function optionsOf(sets: Record<string, string>, flags: Flags): FewShotOptions {
  const { output, shots, seeds, method, option, parallel, device, threads, home, python } = flags;
  const launch = { ...modelOptionsOf(flags), threads, home, interpreter: python };
  // Whatever is said of the training is checked by name, as any caller's options are.
  const training = option as FewShotTraining | undefined;
  return { sets, output, shots, seeds, method, training, parallel, devices: [device], launch };
}

function describeEvent(event: TrainingEvent): string {
  return event.type === "step" ? `step ${event.step} of ${event.totalSteps}` : event.type;
}

/** Those whose figures are of a part of the training. */
function stoppedOf({ rows }: FewShotResult["table"]): SweepRow[] {
  return rows.filter(({ ended }) => ended === "stopped");
}

/** A line for each set and number of shots, then those over all sets; what failed, and why, and what was stopped. */
function describe({ table: found, overall }: FewShotResult): string {
  const { groups, failed, files } = found;
  const figure = (value: number | null | undefined): string => value?.toFixed(3) ?? "–";
  const rows = [
    ["set", "shots", "AP", "deviation", "runs"],
    ...groups.map(({ labels: { set = "", shots = "" }, metrics: { AP }, runs }) => [
      set,
      shots,
      figure(AP?.mean),
      figure(AP?.deviation),
      String(runs),
    ]),
    ...overall.map(({ shots, mean, deviation }) => ["mean over sets", String(shots), figure(mean), figure(deviation)]),
  ];
  const failures = failed.map(({ name, error }) => `${name} failed: ${error?.message ?? ""}`);
  const stops = stoppedOf(found).map(
    ({ name, steps }) => `${name} was stopped after ${steps} steps: the same command goes on with it`,
  );
  return [...table(rows), ...failures, ...stops, `Written: ${files.markdown}`].join("\n");
}

function setsOf(given: readonly string[], command: Command): Record<string, string> {
  const pairs = given.map((one): [string, string] => {
    const at = one.indexOf("=");
    if (at < 1 || at === one.length - 1)
      command.error(`error: argument '${one}' is invalid. Expected NAME=FOLDER, of a set in ODinW's form.`);
    return [one.slice(0, at), one.slice(at + 1)];
  });
  const names = pairs.map(([name]) => name);
  const twice = names.find((name, place) => names.indexOf(name) < place);
  if (twice !== undefined) command.error(`error: argument '${twice}=…' is there twice. Expected a name for each set.`);
  return Object.fromEntries(pairs);
}

function numbers(given: string): number[] {
  const all = given.split(",").map((one) => one.trim());
  if (!all.every((one) => /^\d+$/.test(one)))
    throw new InvalidArgumentError("Expected whole numbers with commas between.");
  return all.map(Number);
}

/** What is wrong with an option is said as the command line calls it. */
function inFlags(error: unknown): unknown {
  if (!isGlipError(error)) return error;
  const [called, name = "", rest = ""] = /options\.(\w+)([\w.[\]]*)/.exec(error.message) ?? [];
  if (called === undefined) return error;
  const inner = rest.slice(1);
  const flags: Record<string, string> = { sets: inner, training: `--option ${inner}`, launch: `--${inner}` };
  const flag = flags[name] ?? `--${name}${rest}`;
  return new GlipError(error.code, error.message.replace(called, flag), error.details, { cause: error });
}
