import { GlipError, isGlipError } from "../errors.ts";

const RENAMED: Record<string, string> = {
  interpreter: "python",
  settings: "set",
  thresholds: "threshold",
  output: "out",
  phrases: "phrase",
};

/** A refused option is called as on the command line: `options.maxObjects` is `--max-objects` here. */
export function named(error: unknown): unknown {
  if (!isGlipError(error, "invalid_argument")) return error;
  const { path } = error.details;
  const name = path === "file" ? "save" : /^options\.(\w+)/.exec(path)?.[1];
  if (name === undefined) return error;
  const flag = (RENAMED[name] ?? name).replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const details = { ...error.details, path: `--${flag}` };
  return new GlipError("invalid_argument", error.message.replace(path, details.path), details, { cause: error });
}
