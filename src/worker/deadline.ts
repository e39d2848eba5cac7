/** A time limit that can be lifted. `AbortSignal.timeout` cannot, and in Deno it keeps the process alive until it fires. */
export interface Deadline {
  /** Aborts when the time is up. */
  signal: AbortSignal;
  /** The time no longer matters. Idempotent. */
  clear(): void;
}

export function deadline(ms: number): Deadline {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException(`${ms} ms are up`, "TimeoutError")), ms);
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
