import type { Channel } from "../bridge/channel.ts";
import type { Params, Result } from "../protocol/methods.ts";
import { checkParams, checkResult } from "../protocol/validate.ts";

/** What the worker is told to load, paths resolved. */
export type ModelRequest = Params<"model.load">;

/** The model that a worker has loaded as part of its start. */
export interface LoadedModel extends Result<"model.load"> {
  /** Its yaml: absolute, or relative to the official checkout. */
  config: string;
  /** Its checkpoint; null for random weights. */
  weights: string | null;
  /** Keys of the configuration that differ from the yaml. */
  settings: Record<string, unknown>;
  /** Folder with the text encoder's vocabulary; null for the one that the worker ships. */
  textEncoder: string | null;
  /** Names of the accelerations that are on. */
  accelerate: readonly string[];
}

/** @throws GlipError as `model.load` answers: `config_invalid`, `weights_mismatch`, `out_of_memory`, …; `cancelled` */
export async function loadModel(channel: Channel, request: ModelRequest, signal: AbortSignal): Promise<LoadedModel> {
  const method = "model.load";
  const result = checkResult(method, await channel.call(method, checkParams(method, request), { signal }));
  const { config, weights, settings, text_encoder: textEncoder, accelerate } = request;
  return { config, weights, settings, textEncoder, accelerate, ...(result as Result<typeof method>) };
}
