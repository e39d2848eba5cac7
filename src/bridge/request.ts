import { GlipError } from "../errors.ts";

export interface CallOptions {
  /** Gives up the call: it rejects with `cancelled` (`cause` is the reason), and the worker stops between two steps. */
  signal?: AbortSignal | undefined;
  /** Milliseconds until the call rejects with `deadline_exceeded`. @default none */
  timeoutMs?: number | undefined;
}

/** A call that may have waited for its channel. */
export interface TimedOptions extends CallOptions {
  /** Since when `timeoutMs` counts, by `performance.now()`. @default now */
  since?: number | undefined;
}

/** Where the outcome of a request goes. The first of `resolve` and `reject` counts. */
export interface RequestSinks {
  resolve(value: unknown): void;
  reject(error: unknown): void;
  event?(value: unknown): void;
  /** The worker is done with it: at once after its answer, later than `reject` when the caller gave it up. */
  ended?(): void;
}

/**
 * One request from its start until the worker has ended it. The caller may be answered earlier (abort, deadline): the
 * request then stays open until the worker's answer, which frees its slot and its shared memory.
 */
export class Request {
  readonly method: string;
  /** The kind of message that ends it well. */
  readonly answer: "ready" | "result" | "pong";
  readonly segments: string[] = [];
  id = 0;
  holdsSlot = false;
  settled = false;
  readonly #sinks: RequestSinks;
  #deadline: number | undefined;
  #stopWatching: (() => void) | undefined;
  #tellWorker: (() => void) | undefined;

  constructor(method: string, sinks: RequestSinks, answer: Request["answer"] = "result") {
    this.method = method;
    this.answer = answer;
    this.#sinks = sinks;
  }

  /** Sent, and not answered yet. */
  get open(): boolean {
    return this.id !== 0 && !this.settled;
  }

  /** Minds the caller's signal and deadline. @throws GlipError when the signal is aborted already */
  watch({ signal, timeoutMs, since = performance.now() }: TimedOptions, tellWorker: () => void): void {
    this.#tellWorker = tellWorker;
    if (signal === undefined && timeoutMs === undefined) return;
    if (signal?.aborted) throw cancelledBy(this.method, signal.reason);
    let timer: NodeJS.Timeout | undefined;
    if (timeoutMs !== undefined) {
      this.#deadline = since + checkedTimeout(timeoutMs);
      timer = setTimeout(() => this.#expire(timeoutMs), this.remainingMs() ?? 0);
    }
    const abort = (): void => this.cancel(signal?.reason);
    signal?.addEventListener("abort", abort, { once: true });
    this.#stopWatching = () => {
      signal?.removeEventListener("abort", abort);
      clearTimeout(timer);
    };
  }

  /** What is left of the deadline, in whole milliseconds; null without one. */
  remainingMs(): number | null {
    return this.#deadline === undefined ? null : Math.max(0, Math.ceil(this.#deadline - performance.now()));
  }

  cancel(reason: unknown): void {
    this.#giveUp(cancelledBy(this.method, reason));
  }

  event(value: unknown): void {
    if (!this.settled) this.#sinks.event?.(value);
  }

  resolve(value: unknown): void {
    if (this.#settle()) this.#sinks.resolve(value);
  }

  reject(error: unknown): void {
    if (this.#settle()) this.#sinks.reject(error);
  }

  /** For the channel: the worker is done with it. */
  end(): void {
    this.#sinks.ended?.();
  }

  #expire(timeoutMs: number): void {
    const text = `${this.method}: no result within ${timeoutMs} ms; give it more time (timeoutMs) or less work`;
    this.#giveUp(new GlipError("deadline_exceeded", text, { timeoutMs }));
  }

  #giveUp(error: GlipError): void {
    if (this.open) this.#tellWorker?.();
    this.reject(error);
  }

  #settle(): boolean {
    if (this.settled) return false;
    this.settled = true;
    this.#stopWatching?.();
    return true;
  }
}

/** The error for a call that its caller gave up. */
export function cancelledBy(method: string, reason: unknown): GlipError<"cancelled"> {
  return new GlipError("cancelled", `${method}: cancelled by the caller`, {}, { cause: reason });
}

function checkedTimeout(timeoutMs: number): number {
  // setTimeout fires at once for more than 2^31-1 ms.
  if (timeoutMs > 0 && timeoutMs < 2 ** 31) return timeoutMs;
  const details = { path: "options.timeoutMs", expected: "milliseconds > 0 and < 2^31", received: String(timeoutMs) };
  throw new GlipError("invalid_argument", `options.timeoutMs: expected ${details.expected}, got ${timeoutMs}`, details);
}
