import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { z } from "zod";
import { resolveWeights } from "../../environment/weights/resolve.ts";
import { shipped, shippedModel } from "../../environment/weights/shipped.ts";
import { zoo, zooEntry } from "../../environment/weights/zoo.ts";
import { GlipError } from "../../errors.ts";
import type { Params } from "../../protocol/methods.ts";
import type { CheckedNativeModel } from "./schemas.ts";
import type { RequestHandle } from "./start.ts";

/** A run's model as the wire has it. */
export type NativeRunModel = Pick<Params<"training.run">, "config" | "weights" | "settings">;

/** What weights say of themselves. */
const AUTO = "auto";

/**
 * The model that the options name, or else the handle's; of a run that is resumed it must be the same.
 * @param weightless whether a run starts from random weights when none are named, as pre-training does
 * @throws GlipError `invalid_argument`, `weights_missing`, `weights_mismatch`
 */
export function chooseNativeModel(
  handle: RequestHandle,
  options: CheckedNativeModel,
  weightless: boolean,
): NativeRunModel {
  const { model, config, settings = {} } = options;
  const own = model === undefined && config === undefined ? handle.model : undefined;
  const named = options.weights ?? (weightless ? "random" : model);
  if (named === undefined && own === undefined) throw noModel();
  const weights = named === undefined ? (own?.weights ?? null) : findWeights(named, handle);
  const found = config ?? modelConfig(handle, model, weights === null);
  return {
    config: typeof found === "string" ? readConfig(found, handle) : found,
    weights,
    settings: { ...own?.settings, ...settings },
  };
}

/** Weights bring their configuration; without them the model's name says it. */
function modelConfig(handle: RequestHandle, model: string | undefined, random: boolean): string {
  const given = model ?? handle.model?.config ?? AUTO;
  if (!random) return model === undefined ? given : AUTO;
  if (given !== AUTO) return given;
  const name = nameOf(handle.model?.weights ?? null);
  if (name !== undefined) return name;
  const expected = "a configuration (a name or a file) or the option model: random weights say nothing of theirs";
  throw invalid("options.config", expected, "none");
}

/** Of which model known by name these are the weights. */
function nameOf(weights: string | null): string | undefined {
  if (weights === null) return undefined;
  const own = shipped.find(({ path }) => path === weights);
  return (own ?? zoo.find(({ kind, file }) => kind === "model" && weights.endsWith(`/${file}`)))?.name;
}

/** What is in a file of the caller's, which comes first; the worker knows the names. @throws GlipError `config_invalid` */
function readConfig(config: string, { local }: RequestHandle): NativeRunModel["config"] {
  const path = resolve(config);
  if (!local || !statSync(path, { throwIfNoEntry: false })?.isFile()) return config;
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const reason = cause instanceof SyntaxError ? `it is no JSON: ${cause.message}` : "it has no JSON object in it";
    const text = `options.config: cannot use ${path}: ${reason}`;
    throw new GlipError("config_invalid", text, { path, keys: [], reason }, { cause });
  }
}

/** Another host's weights are not looked for here: what is no name is a path there. */
function findWeights(weights: string, { local, home }: RequestHandle): string | null {
  if (weights === "random") return null;
  if (zooEntry(weights)?.kind === "backbone") {
    throw invalid("options.weights", "the weights of a whole model, a path, or random", JSON.stringify(weights));
  }
  if (local) return resolveWeights(weights, { home });
  if (zooEntry(weights) === undefined && shippedModel(weights) === undefined) return weights;
  throw invalid("options.weights", "a path on the worker's host, which is another one", JSON.stringify(weights));
}

function noModel(): GlipError {
  const expected = "a model: the option model or weights, or a handle that was launched with one";
  return invalid("options.model", expected, "none of them");
}

function invalid(path: string, expected: string, received: string): GlipError {
  const details = { path, expected, received };
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, details);
}
