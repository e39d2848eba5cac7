import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { resolveOfficial } from "./environment/official/resolve.ts";
import { resolveEnvironment } from "./environment/resolve.ts";
import { glipHome } from "./environment/home.ts";
import { resolveWeights } from "./environment/weights/resolve.ts";
import { DEFAULT_MODEL, shippedModel } from "./environment/weights/shipped.ts";
import { weightsDirectory } from "./environment/weights/target.ts";
import { zooEntry } from "./environment/weights/zoo.ts";
import { GlipError } from "./errors.ts";
import type { CheckedModelOptions } from "./model-options.ts";
import { accelerations } from "./protocol/model.ts";
import type { ModelRequest } from "./worker/load-model.ts";

/** What a worker is started with, everything found on this machine. */
export interface ResolvedEngine {
  /** The interpreter that has the engine's packages. */
  python: string;
  name: "none" | "native" | "official";
  /** For the worker's settings. */
  options: Record<string, unknown>;
  /** What it is to load; undefined: it starts without a model. */
  model: ModelRequest | undefined;
}

export interface EngineOptions extends CheckedModelOptions {
  interpreter?: string | undefined;
  home?: string | undefined;
}

/**
 * Finds what the options speak of, and starts nothing.
 * @throws GlipError `invalid_argument` for options that do not go together, `environment_missing`,
 *   `environment_stale`, `python_not_found`, `official_missing`, `official_modified`, `weights_missing`,
 *   `weights_mismatch`, `config_invalid`, `file_error`
 */
export function resolveEngine(given: EngineOptions): ResolvedEngine {
  const options = withDefaultModel(given);
  const name = options.engine ?? engineOf(options.model);
  checkCombination(name, options);
  const { interpreter, home } = options;
  const groups = name === "official" ? ["official"] : [];
  const { python } = resolveEnvironment({ python: interpreter, home, groups });
  if (name === "none") return { python, name, options: {}, model: undefined };
  if (name === "native") return { python, name, options: nativeOptions(options), model: nativeModel(options) };
  const { official, allowModified } = options;
  const { directory } = resolveOfficial({ official, home, allowModified });
  return { python, name, options: { checkout: directory }, model: officialModel(options, directory) };
}

/** Told nothing of engine and model, a worker has the model that is here in any case. */
function withDefaultModel(options: EngineOptions): EngineOptions {
  const said = [...ofEngine, ...ofModel, ...ofOfficial].some((key) => options[key] !== undefined);
  return said ? options : { ...options, model: DEFAULT_MODEL };
}

function engineOf(model: string | undefined): ResolvedEngine["name"] {
  if (model === undefined) return "none";
  return shippedModel(model) === undefined ? "official" : "native";
}

const ofEngine = ["engine", "model", "config"] as const;
/** These say something of the official engine alone. */
const ofOfficial = ["official", "allowModified", "accelerate", "textEncoder"] as const;
/** These say something of a model. */
const ofModel = ["weights", "settings", "accelerate", "textEncoder"] as const;

function checkCombination(engine: ResolvedEngine["name"], options: EngineOptions): void {
  const { model, config, weights } = options;
  if (engine === "none") {
    for (const key of ["model", "config", ...ofModel, "official", "allowModified"] as const)
      if (options[key] !== undefined) throw beside(key, 'the option engine: "official"', options.engine);
  }
  if (engine === "native") {
    for (const key of ofOfficial)
      if (options[key] !== undefined) throw beside(key, 'the option engine: "official"', engine);
  } else if (options.dtype !== undefined) throw beside("dtype", 'the option engine: "native"', options.engine);
  for (const [key, name] of Object.entries({ model, weights }))
    if (engine === "official" && name !== undefined && shippedModel(name) !== undefined)
      throw invalid(`options.${key}`, `a model of the official code (${name} is of the native engine)`, name);
  // The native engine tells from most weights by themselves what they are of.
  const told = engine === "native" && weights !== undefined && weights !== "random";
  if (model === undefined && config === undefined && !told) {
    for (const key of ofModel)
      if (options[key] !== undefined) throw beside(key, "the option model or config", "neither");
  }
  if (model === undefined && config !== undefined && weights === undefined)
    throw beside("config", 'the option weights (a path, a name of the zoo, or "random")', "none");
  if (weights !== undefined && zooEntry(weights)?.kind === "backbone") {
    const expected = 'the weights of a whole model, a path, or "random" (a backbone is what pre-training starts from)';
    throw invalid("options.weights", expected, JSON.stringify(weights));
  }
}

/** Weights that were pulled are converted to safetensors once, beside themselves. */
function nativeOptions({ home, dtype }: EngineOptions): ResolvedEngine["options"] {
  return { cache: weightsDirectory(glipHome(home)), ...(dtype !== undefined && { dtype }) };
}

function nativeModel(options: EngineOptions): ModelRequest | undefined {
  const { model, weights = model, config, settings = {}, home } = options;
  if (weights === undefined) return undefined;
  return {
    // Random weights fit any configuration, so the model's name decides.
    config: config === undefined ? ((weights === "random" ? model : undefined) ?? "auto") : nativeConfig(config),
    weights: weights === "random" ? null : resolveWeights(weights, { home }),
    text_encoder: null,
    accelerate: [],
    settings,
  };
}

/** A file of the caller's comes first; the worker knows the names. */
function nativeConfig(config: string): string {
  const own = resolve(config);
  return isFile(own) ? own : config;
}

function officialModel(options: EngineOptions, checkout: string): ModelRequest | undefined {
  const { model, weights = model, accelerate = false, textEncoder, settings = {}, home } = options;
  const entry = model === undefined ? undefined : zooEntry(model);
  const config = options.config === undefined ? entry?.config : findConfig(options.config, checkout);
  if (config === undefined || weights === undefined) return undefined;
  return {
    config,
    weights: weights === "random" ? null : resolveWeights(weights, { home }),
    text_encoder: textEncoder === undefined ? null : folder(textEncoder),
    accelerate: accelerate === true ? [...accelerations] : accelerate === false ? [] : accelerate,
    settings,
  };
}

/** A file of the caller's comes first; the wire takes the checkout's by their relative paths. */
function findConfig(config: string, checkout: string): string {
  const own = resolve(config);
  if (isFile(own)) return own;
  if (isFile(join(checkout, config))) return config;
  const reason = "there is no such file, in the checkout neither";
  const text = `Cannot use the configuration ${config}: ${reason} (${checkout}).`;
  throw new GlipError("config_invalid", text, { path: own, keys: [], reason });
}

function folder(path: string): string {
  const found = resolve(path);
  if (statSync(found, { throwIfNoEntry: false })?.isDirectory()) return found;
  const reason = "it is not a folder";
  throw new GlipError("file_error", `Cannot use ${found} as textEncoder: ${reason}.`, { path: found, reason });
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function beside(key: string, wanted: string, received: string | undefined): GlipError<"invalid_argument"> {
  return invalid(`options.${key}`, `${wanted} beside it`, received === undefined ? "none" : received);
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
