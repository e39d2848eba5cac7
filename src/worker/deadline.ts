/** A time limit that can be ended. `AbortSignal.timeout` cannot, and in Deno it keeps the process alive until it fires. */
export class Deadline {
  /** Whether the time ran out. */
  expired = false;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.#timer = setTimeout(() => {
      this.expired = true;
      this.#controller.abort(new DOMException(`${ms} ms are up`, "TimeoutError"));
    }, ms);
  }

  /** Aborts when the time is up or no longer matters. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The time no longer matters: whatever still waits under `signal` stops. Idempotent. */
  end(): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
