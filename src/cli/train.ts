import { type Command, Option } from "commander";
import { DEFAULT_MODEL } from "../environment/weights/shipped.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { GlipError, isGlipError } from "../errors.ts";
import { launch } from "../launch.ts";
import { checkEngineOptions } from "../training/engine.ts";
import { finetuneRequest } from "../training/native/finetune.ts";
import type { NativeFinetuneOptions, NativePretrainOptions } from "../training/native/options.ts";
import { pretrainRequest } from "../training/native/pretrain.ts";
import type { TrainingRun } from "../training/training-run.ts";
import { collectData, dataForms, parseData } from "./data.ts";
import { wholeNumber } from "./model-flags.ts";
import { collectOption, merge, readOptions, type RunOptionsGiven } from "./run-options.ts";
import { Status } from "./status.ts";
import { describeResult, watch } from "./view/watch.ts";
import { place } from "./view/words.ts";

/** Flags that are options of the API by another name. */
interface RunFlags {
  train?: Dataset[];
  val?: Dataset;
  output?: string;
  model?: string;
  config?: string;
  weights?: string;
  task?: string;
  method?: string;
  shots?: number;
  steps?: number;
  epochs?: number;
  batchSize?: number;
  learningRate?: number;
  precision?: string;
  processes?: number;
  seed?: number;
  resume?: true;
}

interface Flags extends RunFlags {
  detach?: true;
  options?: string;
  option?: RunOptionsGiven;
  engine: "native" | "official";
  device: string;
  official?: string;
  allowModified?: boolean;
  threads?: number;
  python?: string;
  home?: string;
  json?: boolean;
}

type Verb = "pretrain" | "finetune";

const INTERRUPTED = 130;

export function addPretrain(program: Command): void {
  addTraining(program, "pretrain", "train a model from random weights, or from a backbone's");
}

export function addFinetune(program: Command): void {
  addTraining(program, "finetune", "adapt a model to data of your own")
    .option("--task <task>", "detect, ground, segment, answer or caption: the losses and the head that it needs")
    .option("--method <method>", "full, linear-probe or prompt (official: also prompt-v1 to prompt-v4)")
    .option("--shots <n>", "pictures of each category that are used (default: all)", wholeNumber);
}

function addTraining(program: Command, verb: Verb, description: string): Command {
  return program
    .command(verb)
    .description(`${description}. DATA is ${dataForms.join(", ")}; options like copies=2 follow`)
    .option("--train <data>", "what is trained on (repeatable: sets are mixed)", collectData)
    .option("--val <data>", "what the model is measured on", parseData)
    .option("--output <dir>", "the run's folder")
    .option("--model <name>", `glip-nano or a released one (default: ${DEFAULT_MODEL})`)
    .option("--config <config>", "a configuration by name or file, instead of the model's")
    .option("--weights <weights>", "a checkpoint, a name of the zoo or `random`, instead of the model's")
    .option("--steps <n>", "length of the run", wholeNumber)
    .option("--epochs <n>", "the same in passes through the data", Number)
    .option("--batch-size <n>", "pictures in a step", wholeNumber)
    .option("--learning-rate <x>", "learning rate", Number)
    .option("--precision <type>", "float32, bfloat16 or float16")
    .option("--processes <n>", "processes, each with a device of its own", wholeNumber)
    .option("--seed <n>", "of everything that is drawn by chance", wholeNumber)
    .option("--option <key=value>", "any other option of the API: losses.inter=0.5 (repeatable)", collectOption)
    .option("--options <file>", "a JSON file of options; flags count more")
    .option("--resume", "go on from the last checkpoint in the output folder")
    .option("--detach", "leave the run alone once it has begun; `glip attach` finds it again")
    .addOption(new Option("--engine <name>", "what trains").choices(["native", "official"]).default("native"))
    .option("--device <name>", "auto, cpu, mps, cuda or cuda:N", "auto")
    .option("--official <dir>", "the official checkout")
    .option("--allow-modified", "accept a checkout that is not the pinned commit")
    .option("--threads <n>", "CPU threads for torch", wholeNumber)
    .option("--python <path>", "the ready Python, instead of GLIP_PYTHON or the managed environment")
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
    .option("--json", "print events and the result as JSON, one a line")
    .action((flags: Flags) => run(verb, flags));
}

async function run(verb: Verb, flags: Flags): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.on("SIGINT", interrupt).on("SIGTERM", interrupt);
  try {
    const options = optionsOf(flags);
    const { engine, device, official, allowModified, threads, home, python } = flags;
    // A worker takes seconds to start: what it need not be asked for is said before.
    if (engine === "native") checkOptions(verb, options, home);
    status.show("Starting the worker");
    const { signal } = stop;
    await using glip = await launch({
      engine,
      device,
      official,
      allowModified,
      threads,
      home,
      interpreter: python,
      signal,
    });
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
    // Whatever the flags say is checked by name, as any caller's options are.
    const training =
      verb === "pretrain"
        ? glip.pretrain(options as unknown as NativePretrainOptions)
        : glip.finetune(options as unknown as NativeFinetuneOptions);
    if (flags.detach) await detach(training, flags);
    else await follow(training, flags);
  } catch (error) {
    status.clear();
    if (!stop.signal.aborted) throw inFlags(error);
    process.exitCode = INTERRUPTED;
  } finally {
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

/** @throws GlipError as the verb itself */
function checkOptions(verb: Verb, options: RunOptionsGiven, home: string | undefined): void {
  checkEngineOptions("native", options);
  const handle = { local: true, home, model: undefined };
  if (verb === "pretrain") pretrainRequest(handle, options as unknown as NativePretrainOptions);
  else finetuneRequest(handle, options as unknown as NativeFinetuneOptions);
}

async function follow(training: TrainingRun, flags: Flags): Promise<void> {
  let interrupted = false;
  const interrupt = (again: boolean): string => {
    interrupted = true;
    if (again) {
      void training.cancel();
      return "Ending it";
    }
    // The engine official ends by being cancelled, and writes a checkpoint then too.
    training.stop().catch(() => training.cancel());
    return "Stopping after this step, with a checkpoint (again: at once)";
  };
  const name = place(training.output);
  try {
    const result = await watch(training, { title: name, json: flags.json, interrupt });
    console.log(flags.json ? JSON.stringify(result) : describeResult(result));
    if (!flags.json) console.error(`\`glip report ${name}\` draws its curves.`);
  } catch (error) {
    if (!interrupted || !isGlipError(error, "cancelled")) throw error;
    await training.ended;
  }
  if (interrupted) process.exitCode = INTERRUPTED;
}

/** What is left is the run alone. */
async function detach(training: TrainingRun, { json }: Flags): Promise<void> {
  for await (const event of training) {
    if (event.type !== "start") continue;
    const { output } = training;
    console.log(json ? JSON.stringify({ output, ...event }) : `The run goes on: glip attach ${place(output)}`);
    break;
  }
}

/** @throws GlipError `file_error`, `invalid_argument` */
function optionsOf(flags: Flags): RunOptionsGiven {
  const { train, val, output, model, config, weights, task, method, shots, steps, epochs, batchSize } = flags;
  const { learningRate, precision, processes, seed, resume, detach: detached, option = {} } = flags;
  const length = { steps, epochs, batchSize, learningRate, precision, processes, seed };
  const said = { train, val, output, model, config, weights, task, method, shots, resume, detached, ...length };
  const options = merge(merge(flags.options === undefined ? {} : readOptions(flags.options), said), option);
  if (options["output"] === undefined || options["train"] === undefined) {
    const missing = options["output"] === undefined ? "--output <dir>" : "--train <data>";
    const details = { path: missing, expected: "a value", received: "none" };
    throw new GlipError("invalid_argument", `${missing}: expected a value, here or in the file of --options`, details);
  }
  const named = ["model", "config", "weights"].some((key) => options[key] !== undefined);
  return flags.engine === "native" && !named ? { ...options, model: DEFAULT_MODEL } : options;
}

const FLAGS: ReadonlySet<string> = new Set([
  "train",
  "val",
  "output",
  "model",
  "config",
  "weights",
  "task",
  "method",
  "shots",
  "steps",
  "epochs",
  "batchSize",
  "learningRate",
  "precision",
  "processes",
  "seed",
  "resume",
  "official",
  "allowModified",
  "device",
  "threads",
  "python",
  "home",
] satisfies (keyof Flags)[]);

/** What is wrong with an option is said as the command line calls it: `--batch-size`, or `--option losses.inter`. */
function inFlags(error: unknown): unknown {
  if (!isGlipError(error)) return error;
  const [called, name = "", rest = ""] = /^options\.(\w+)([\w.[\]]*)/.exec(error.message) ?? [];
  if (called === undefined) return error;
  const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  const path = !FLAGS.has(name) ? `--option ${name}${rest}` : rest === "" ? flag : `${flag} (${name}${rest})`;
  return new GlipError(error.code, path + error.message.slice(called.length), error.details, { cause: error });
}
