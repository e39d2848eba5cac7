import { type Command, InvalidArgumentError, Option } from "commander";
import { type CheckedModelOptions, type ModelOptions, modelOptionsSchema } from "../model-options.ts";
import { checkArgument } from "../protocol/validate.ts";

/** What says which model computes, and where. */
export interface ModelFlags extends Omit<ModelOptions, "accelerate" | "settings"> {
  /** True without names. */
  accelerate?: true | string[];
  set: Record<string, unknown>;
  device: string;
  threads?: number;
  home?: string;
  python?: string;
}

/** For each command that starts a worker. */
export function addModelFlags(command: Command): Command {
  const set = new Option("--set <key=value>", "another value for a key of the configuration (repeatable)");
  return command
    .option("--model <name>", "glip-nano, which ships, or a released one (`glip weights list`; default: glip-nano)")
    .option("--engine <name>", "what computes: native, official or none (default: official for released models)")
    .option("--device <name>", "auto, cpu, mps, cuda or cuda:N", "auto")
    .option("--config <file>", "a configuration, yours, the checkout's or a name, instead of the model's")
    .option("--weights <weights>", "a checkpoint, a name of the zoo or `random`, instead of the model's")
    .addOption(set.argParser(setting).default({}, "none"))
    .option("--dtype <type>", "what the native engine computes in: float32 or bfloat16")
    .option("--accelerate [names...]", "compute sooner with the same results: all ways, or some")
    .option("--text-encoder <dir>", "the text encoder's vocabulary")
    .option("--official <dir>", "the official checkout")
    .option("--allow-modified", "accept a checkout that is not the pinned commit")
    .option("--threads <n>", "CPU threads for torch", wholeNumber)
    .option("--python <path>", "the ready Python, instead of GLIP_PYTHON or the managed environment")
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory");
}

/** @throws GlipError `invalid_argument` */
export function modelOptionsOf(flags: ModelFlags): CheckedModelOptions {
  const { engine, model, config, weights, dtype, textEncoder, official, allowModified, accelerate } = flags;
  const settings = Object.keys(flags.set).length > 0 ? flags.set : undefined;
  const given = { engine, model, config, weights, dtype, textEncoder, official, allowModified, accelerate, settings };
  return checkArgument(modelOptionsSchema, given, "options");
}

export function wholeNumber(given: string): number {
  if (!/^\d+$/.test(given)) throw new InvalidArgumentError("expected a whole number");
  return Number(given);
}

/** `KEY=VALUE`, the value as JSON, else as text. */
function setting(given: string, all: Record<string, unknown>): Record<string, unknown> {
  const at = given.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("expected KEY=VALUE");
  const value = given.slice(at + 1);
  try {
    return { ...all, [given.slice(0, at)]: JSON.parse(value) as unknown };
  } catch {
    return { ...all, [given.slice(0, at)]: value };
  }
}
