import { GlipError } from "../errors.ts";

/** The error for an aborted call; its `cause` is the signal's reason. */
export function cancelled(signal: AbortSignal): GlipError<"cancelled"> {
  return new GlipError("cancelled", "The call was cancelled by its signal.", {}, { cause: signal.reason });
}

/** Throws `cancelled` when the signal has aborted. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw cancelled(signal);
}
