import { InvalidArgumentError } from "commander";
import { readFileSync } from "node:fs";
import { GlipError, messageOf } from "../errors.ts";

/** Options of the API by their names there. */
export type RunOptionsGiven = Record<string, unknown>;

/** `losses.inter=0.5`, for a flag that may be repeated: the value as JSON, else as text. @throws InvalidArgumentError */
export function collectOption(given: string, before: RunOptionsGiven = {}): RunOptionsGiven {
  const at = given.indexOf("=");
  const path = given.slice(0, Math.max(0, at)).split(".");
  if (!path.every((key) => /^\w+$/.test(key))) throw new InvalidArgumentError("expected KEY=VALUE or KEY.KEY=VALUE");
  return merge(
    before,
    path.reduceRight<unknown>((value, key) => ({ [key]: value }), valueOf(given.slice(at + 1))),
  );
}

/** A JSON file of options. @throws GlipError `file_error` */
export function readOptions(path: string): RunOptionsGiven {
  try {
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (isObject(value)) return value;
    throw new TypeError("expected an object");
  } catch (cause) {
    const reason = messageOf(cause);
    throw new GlipError("file_error", `Cannot use the options in ${path}: ${reason}`, { path, reason }, { cause });
  }
}

/**
 * What is said later counts, inside objects too; a dataset, which has a `format`, is said as a whole. Undefined says
 * nothing.
 */
export function merge(before: RunOptionsGiven, later: unknown): RunOptionsGiven {
  const merged = { ...before };
  for (const [key, value] of Object.entries(isObject(later) ? later : {})) {
    if (value === undefined) continue;
    const old = merged[key];
    merged[key] = isObject(old) && isObject(value) && !("format" in value) ? merge(old, value) : value;
  }
  return merged;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
