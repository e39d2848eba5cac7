/** How one of them ended. */
export type Outcome<Answer> = { answer: Answer } | { error: unknown };

export interface InOrderOptions {
  /** So many items are taken and not yet given back, at most. */
  concurrency: number;
  /** Ends the iteration; what it throws then is `onAbort`'s. */
  signal?: AbortSignal | undefined;
  onAbort: (signal: AbortSignal) => Error;
}

/**
 * Asks for each item of `source` while it comes, several at once, and yields the outcomes in its order. An item is only
 * taken when there is room for it: who reads slowly holds the source back. Leaving the loop aborts what is under way and
 * ends the source.
 * @param ask gets a signal of its own
 */
export async function* inOrder<Item, Answer>(
  source: AsyncIterable<Item> | Iterable<Item>,
  ask: (item: Item, signal: AbortSignal) => Promise<Answer>,
  { concurrency, signal, onAbort }: InOrderOptions,
): AsyncGenerator<Outcome<Answer>, void, undefined> {
  const stop = new AbortController();
  const slots: { outcome?: Outcome<Answer>; ended: Promise<void> }[] = [];
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let asking = false;
  let end: { error?: unknown } | undefined;
  let wake = (): void => {};

  const start = (item: Item): void => {
    const slot: (typeof slots)[number] = {
      ended: ask(item, stop.signal)
        .then((answer) => void (slot.outcome = { answer }))
        .catch((error: unknown) => void (slot.outcome = { error }))
        .then(() => wake()),
    };
    slots.push(slot);
  };
  const take = (): void => {
    if (asking || end !== undefined || slots.length >= concurrency || stop.signal.aborted) return;
    asking = true;
    // A source may throw at once.
    new Promise<IteratorResult<Item>>((resolve) => resolve(iterator.next()))
      .then((next) => {
        asking = false;
        if (next.done) end = {};
        else if (!stop.signal.aborted) start(next.value);
        take();
      })
      .catch((error: unknown) => void (end = { error }))
      .finally(() => wake());
  };
  const abort = (): void => {
    stop.abort(signal?.reason);
    wake();
  };

  signal?.addEventListener("abort", abort, { once: true });
  try {
    for (;;) {
      if (signal?.aborted) throw onAbort(signal);
      take();
      const outcome = slots[0]?.outcome;
      if (outcome !== undefined) {
        slots.shift();
        take();
        yield outcome;
      } else if (end !== undefined && slots.length === 0) {
        if ("error" in end) throw end.error;
        return;
      } else await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    signal?.removeEventListener("abort", abort);
    stop.abort();
    // One that waits for its next item cannot end before it has come: it is not waited for.
    const ending = end === undefined ? Promise.resolve(iterator.return?.()) : Promise.resolve();
    if (asking) ending.catch(() => {});
    else await ending;
    await Promise.all(slots.map(({ ended }) => ended));
  }
}
