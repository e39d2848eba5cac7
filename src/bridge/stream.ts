import { GlipError } from "../errors.ts";
import { withResolvers } from "./with-resolvers.ts";

/** Events that the worker may send ahead of the consumer. */
export const streamCredit = 32;

export interface StreamControls {
  /** Allows the worker that many more events. */
  grant(events: number): void;
  /** Asks the worker to stop. */
  cancel(): void;
}

/**
 * The events of one running call, and its result. Iterate it once: leaving the loop early cancels the call. Events that
 * nobody reads hold the worker back (it may be `streamCredit` ahead), unless `result` was asked for and nobody
 * iterates: then events that do not fit are dropped and the call runs on.
 */
export class Stream<Event, Result> implements AsyncIterable<Event> {
  readonly #controls: StreamControls;
  readonly #queue: Event[] = [];
  readonly #settled = withResolvers<Result>();
  readonly #over = withResolvers<void>();
  #end: { error: unknown } | { done: true } | undefined;
  #wake: (() => void) | undefined;
  #iterated = false;
  #resultAsked = false;
  #taken = 0;

  constructor(controls: StreamControls) {
    this.#controls = controls;
    // Whoever iterates learns of a failure from the iteration; `result` must not be an unhandled rejection beside it.
    this.#settled.promise.catch(() => {});
  }

  /** What the call gives when it ends. @throws whatever ended the call; `cancelled` when the loop was left early */
  get result(): Promise<Result> {
    this.#resultAsked = true;
    this.#dropOverflow();
    return this.#settled.promise;
  }

  /**
   * Resolves when the worker is done with the call and free for others: with the result, and after a cancel when it has
   * stopped, which may be later than the rejection. Never rejects.
   */
  get ended(): Promise<void> {
    return this.#over.promise;
  }

  /** Stops the call; the iteration and `result` reject with `cancelled`. */
  cancel(): void {
    if (this.#end === undefined) this.#controls.cancel();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    if (this.#iterated) {
      const details = { path: "stream", expected: "one iteration", received: "a second one" };
      throw new GlipError(
        "invalid_argument",
        "A stream can be iterated once: collect its events in an array to read them again",
        details,
      );
    }
    this.#iterated = true;
    try {
      for (;;) {
        while (this.#queue.length > 0) {
          const event = this.#queue.shift() as Event;
          this.#consumed();
          yield event;
        }
        if (this.#end !== undefined) {
          if ("error" in this.#end) throw this.#end.error;
          return;
        }
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      this.cancel();
    }
  }

  /** For the channel: one more event came. */
  push(event: Event): void {
    if (this.#end !== undefined) return;
    this.#queue.push(event);
    this.#dropOverflow();
    this.#wake?.();
  }

  /** For the channel: the call ended well. */
  finish(result: Result): void {
    this.#end ??= { done: true };
    this.#settled.resolve(result);
    this.#wake?.();
  }

  /** For the channel: the call failed. Events that came before are still delivered. */
  fail(error: unknown): void {
    this.#end ??= { error };
    this.#settled.reject(error);
    this.#wake?.();
  }

  /** For the channel: the worker is done with the call. */
  end(): void {
    this.#over.resolve();
  }

  #dropOverflow(): void {
    // Half of the credit: with what is not granted yet, the other half, more would leave the worker none to go on with.
    while (this.#resultAsked && !this.#iterated && this.#queue.length > streamCredit / 2) {
      this.#queue.shift();
      this.#consumed();
    }
  }

  #consumed(): void {
    this.#taken += 1;
    if (this.#taken < streamCredit / 2 || this.#end !== undefined) return;
    this.#controls.grant(this.#taken);
    this.#taken = 0;
  }
}
