import { transportClosed } from "./failures.ts";

interface Waiting {
  frames: readonly Uint8Array[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
  next: Waiting | undefined;
}

/** Calls `send` with one message at a time, in order, because a socket of zeromq takes no second one (EBUSY). */
export class SendQueue {
  readonly #send: (frames: readonly Uint8Array[]) => Promise<void>;
  #busy = false;
  #first: Waiting | undefined;
  #last: Waiting | undefined;
  #failure: Error | undefined;

  constructor(send: (frames: readonly Uint8Array[]) => Promise<void>) {
    this.#send = send;
  }

  send(frames: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#busy) return this.#start(frames);
    return new Promise((resolve, reject) => {
      const waiting: Waiting = { frames, resolve, reject, next: undefined };
      if (this.#last === undefined) this.#first = waiting;
      else this.#last.next = waiting;
      this.#last = waiting;
    });
  }

  /** Rejects what waits, and everything from now on. */
  stop(failure: Error = transportClosed()): void {
    this.#failure ??= failure;
    for (let waiting = this.#first; waiting !== undefined; waiting = waiting.next) waiting.reject(failure);
    this.#first = this.#last = undefined;
  }

  #start(frames: readonly Uint8Array[]): Promise<void> {
    this.#busy = true;
    return this.#send(frames).then(this.#onSent, this.#onFailed);
  }

  readonly #onSent = (): void => {
    this.#busy = false;
    const waiting = this.#first;
    if (waiting === undefined) return;
    this.#first = waiting.next;
    if (this.#first === undefined) this.#last = undefined;
    this.#start(waiting.frames).then(waiting.resolve, waiting.reject);
  };

  /** A socket that was closed meanwhile says EAGAIN; why it was closed says more. */
  readonly #onFailed = (error: unknown): never => {
    this.#onSent();
    throw this.#failure ?? error;
  };
}
