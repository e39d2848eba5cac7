import { statSync } from "node:fs";
import { resolve } from "node:path";
import { resolveWeights } from "../environment/weights/resolve.ts";
import { zooEntry } from "../environment/weights/zoo.ts";
import { GlipError } from "../errors.ts";
import { accelerations } from "../protocol/model.ts";
import type { TrainingHandle } from "./handle.ts";
import type { CheckedRun } from "./schemas.ts";

/** A run's model as the wire has it. */
export interface RunModel {
  config: string;
  /** Null: random numbers. */
  weights: string | null;
  text_encoder: string | null;
  settings: Record<string, unknown>;
  accelerate: string[];
}

/**
 * The model that the options name, or else the handle's. A run that is resumed has its weights already.
 * @throws GlipError `invalid_argument` when neither says enough, `weights_missing`, `weights_mismatch`, `file_error`
 */
export function chooseModel(handle: TrainingHandle, options: CheckedRun & { resume?: boolean }): RunModel {
  const { model, config, resume = false } = options;
  const weights = options.weights ?? (resume ? "random" : model);
  const own = model === undefined && config === undefined;
  if (!own && weights === undefined) {
    throw invalid("options.config", 'the option weights (a path, a name of the zoo, or "random") beside it', "none");
  }
  if (weights !== undefined && zooEntry(weights)?.kind === "backbone") {
    const expected = 'the weights of a whole model, a path, or "random" (a backbone is what pre-training starts from)';
    throw invalid("options.weights", expected, JSON.stringify(weights));
  }
  return {
    ...common(handle, options),
    weights: weights === undefined ? (handle.model?.weights ?? null) : findWeights(weights, handle),
  };
}

/** As `chooseModel`, for pre-training: what does not name weights starts from random numbers. */
export function choosePretrainModel(handle: TrainingHandle, options: CheckedRun): RunModel {
  const { model, weights = model ?? "random" } = options;
  return { ...common(handle, options), weights: findWeights(weights, handle) };
}

/** All but the weights. Settings and text encoder of the handle go with its configuration, and with no other. */
function common(handle: TrainingHandle, options: CheckedRun): Omit<RunModel, "weights"> {
  const { model, config, textEncoder, settings, accelerate = handle.model?.accelerate ?? false } = options;
  const named = config === undefined ? zooEntry(model ?? "")?.config : findConfig(config, handle);
  const found = named ?? handle.model;
  if (found === undefined) throw noModel(options.weights);
  const own = typeof found === "string" ? undefined : found;
  return {
    config: typeof found === "string" ? found : found.config,
    text_encoder: textEncoder === undefined ? (own?.textEncoder ?? null) : findFolder(textEncoder, handle),
    settings: { ...own?.settings, ...settings },
    accelerate: accelerate === true ? [...accelerations] : accelerate === false ? [] : [...accelerate],
  };
}

/** A file of the caller's comes first; the wire takes the checkout's by their relative paths. */
function findConfig(config: string, { local }: TrainingHandle): string {
  const own = resolve(config);
  return local && statSync(own, { throwIfNoEntry: false })?.isFile() ? own : config;
}

/** Another host's weights are not looked for here: what is no name of the zoo is a path there. */
function findWeights(weights: string, { local, home }: TrainingHandle): string | null {
  if (weights === "random") return null;
  if (local) return resolveWeights(weights, { home });
  if (zooEntry(weights) === undefined) return weights;
  throw invalid(
    "options.weights",
    "a path on the worker's host, beside config: it is another one",
    JSON.stringify(weights),
  );
}

function findFolder(path: string, { local }: TrainingHandle): string {
  if (!local) return path;
  const found = resolve(path);
  if (statSync(found, { throwIfNoEntry: false })?.isDirectory()) return found;
  const reason = "it is not a folder";
  throw new GlipError("file_error", `options.textEncoder: cannot use ${found}: ${reason}`, { path: found, reason });
}

function noModel(weights: string | undefined): GlipError {
  const expected =
    "a model: the option model (a name of the zoo), or config and weights, or a handle that was launched with one";
  return invalid("options.model", expected, weights === undefined ? "none of them" : "weights alone");
}

function invalid(path: string, expected: string, received: string): GlipError {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
