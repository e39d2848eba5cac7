import type { Stream } from "../bridge/stream.ts";

/** What a run is made of: a `Stream`, or one that is seen through `convert`. */
export interface RunSource<Event, Result> extends AsyncIterable<Event> {
  readonly result: Promise<Result>;
  readonly ended: Promise<void>;
  cancel(): void;
}

/**
 * A running job: its events, and its result. Iterate it once; leaving the loop early cancels the job in the worker. Who
 * wants the result alone asks for `result` and does not iterate: the job then runs on, and events that nobody reads are
 * dropped. `await using` cancels what still runs at the end of its block.
 */
export class Run<Event, Result, Output extends string | null = string>
  implements AsyncIterable<Event>, AsyncDisposable
{
  /** Absolute path of the folder that the job writes to, on the worker's host; null for one that writes nothing. */
  readonly output: Output;
  readonly #name: string;
  readonly #source: RunSource<Event, Result>;
  #result: Promise<Result> | undefined;

  /** For the verb that starts it. */
  constructor(name: string, output: Output, source: RunSource<Event, Result>) {
    this.#name = name;
    this.output = output;
    this.#source = source;
  }

  /** What the job gives when it ends. @throws whatever ended it; `cancelled` when it was cancelled */
  get result(): Promise<Result> {
    if (this.#result === undefined) {
      this.#result = this.#source.result;
      // Whoever iterates learns of a failure from the iteration; `result` must not be an unhandled rejection beside it.
      this.#result.catch(() => {});
    }
    return this.#result;
  }

  /**
   * Stops the job; the iteration and `result` reject with `cancelled` at once. Resolves when the worker has stopped it: a
   * training ends its step before and writes a checkpoint, if that takes no more than half a minute. What it has written
   * stays, and `resume` goes on from there.
   */
  cancel(): Promise<void> {
    this.#source.cancel();
    return this.#source.ended;
  }

  /** Resolves when the worker is done with the job, well or not, and free for other calls. Never rejects. */
  get ended(): Promise<void> {
    return this.#source.ended;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    yield* this.#source;
  }

  /** Cancels a job that still runs, and waits for its end. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.cancel();
  }

  toString(): string {
    const where = this.output === null ? "" : ` into ${this.output}`;
    return `${this.#name}${where}: iterate it for its events, or await its result`;
  }

  /** How a run shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return { "text/plain": this.toString() };
  }
}

/** A stream with other events, another result and other errors than those that came over the wire. */
export function convert<WireEvent, WireResult, Event, Result>(
  stream: Stream<WireEvent, WireResult>,
  to: {
    /** Undefined for an event that is kept back. */
    event: (event: WireEvent) => Event | undefined;
    result: (result: WireResult) => Result;
    error: (error: unknown) => unknown;
  },
): RunSource<Event, Result> {
  const fail = (error: unknown): never => {
    throw to.error(error);
  };
  return {
    async *[Symbol.asyncIterator]() {
      try {
        for await (const event of stream) {
          const converted = to.event(event);
          if (converted !== undefined) yield converted;
        }
      } catch (error) {
        fail(error);
      }
    },
    get result() {
      return stream.result.then(to.result, fail);
    },
    get ended() {
      return stream.ended;
    },
    cancel: () => stream.cancel(),
  };
}
