/** Counts what is under way and lets the rest wait their turn, in order. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: number) {
    this.#free = limit;
  }

  /** Takes a slot at once, or returns the promise of one. `signal` ends the wait (resolves; the caller looks at it). */
  take(signal?: AbortSignal): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => {
      const next = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve();
      };
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(next), 1);
        // The caller gives back the slot that it did not get.
        this.#free -= 1;
        resolve();
      };
      this.#waiting.push(next);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  /** Lets everybody through, now and later: there is nothing left to wait for. */
  end(): void {
    this.#free = Infinity;
    for (const next of this.#waiting.splice(0)) next();
  }

  give(): void {
    this.#free += 1;
    if (this.#free <= 0) return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#free -= 1;
    next();
  }
}
