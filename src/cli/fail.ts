import { isGlipError, messageOf } from "../errors.ts";

/** Prints an error for a person, code first, and makes the process end with 1. The stack is shown when GLIP_DEBUG is 1. */
export function fail(error: unknown): void {
  const code = isGlipError(error) ? ` [${error.code}]` : "";
  console.error(`glip: error${code}: ${messageOf(error)}`);
  if (process.env["GLIP_DEBUG"] === "1") console.error(error);
  process.exitCode = 1;
}
