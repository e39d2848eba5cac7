import { describe, expect, it } from "vitest";
import { Stream, streamCredit } from "../../src/bridge/stream.ts";
import { within } from "../support/connection.ts";

/** A worker as the protocol has it: sends as long as it has credit, stops when it is told to. */
function play(steps: number): { stream: Stream<number, string>; sent: () => number; cancelled: () => number } {
  let credit = streamCredit;
  let sent = 0;
  let cancelled = 0;
  const stream = new Stream<number, string>({
    grant(events) {
      credit += events;
      queueMicrotask(work);
    },
    cancel() {
      cancelled++;
      stream.fail(new Error("cancelled"));
    },
  });
  const work = (): void => {
    for (; credit > 0 && sent < steps && cancelled === 0; credit--) stream.push(sent++);
    if (sent === steps) stream.finish("done");
  };
  queueMicrotask(work);
  return { stream, sent: () => sent, cancelled: () => cancelled };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function collect<T>(events: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const event of events) found.push(event);
  return found;
}

describe("a stream", () => {
  it.each([0, 1, streamCredit - 1, streamCredit, streamCredit + 1, 1000])(
    "brings %i events in order",
    async (steps) => {
      const { stream, cancelled } = play(steps);
      expect(await within(2000, collect(stream))).toEqual(numbers(steps));
      expect(await stream.result).toBe("done");
      expect(cancelled()).toBe(0);
    },
  );

  it("is iterated once", async () => {
    const { stream } = play(3);
    await collect(stream);
    const again = {
      code: "invalid_argument",
      message: expect.stringContaining("collect its events in an array") as string,
    };
    await expect(collect(stream)).rejects.toMatchObject(again);
  });

  it("keeps the worker at most its credit ahead", async () => {
    const { stream, sent } = play(1000);
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent()).toBe(streamCredit);
    for (let count = 1; count < streamCredit; count++) await events.next();
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent()).toBeLessThanOrEqual(2 * streamCredit);
    await events.return();
  });

  it("cancels when its loop is left", async () => {
    const { stream, cancelled, sent } = play(1000);
    for await (const event of stream) if (event === 2) break;
    expect(cancelled()).toBe(1);
    expect(sent()).toBe(streamCredit);
    await expect(stream.result).rejects.toThrow("cancelled");
  });

  it("cancels when its loop throws", async () => {
    const { stream, cancelled } = play(1000);
    const loop = async (): Promise<void> => {
      for await (const event of stream) throw new Error(`at ${event}`);
    };
    await expect(loop()).rejects.toThrow("at 0");
    expect(cancelled()).toBe(1);
  });

  it.each([0, 1, streamCredit, streamCredit + 1, 10_000])(
    "gives its result after %i events that nobody reads",
    async (steps) => {
      const { stream, cancelled } = play(steps);
      expect(await within(2000, stream.result)).toBe("done");
      expect(cancelled()).toBe(0);
    },
  );

  it("can be iterated after its result was asked for; the last events are there", async () => {
    const { stream } = play(100);
    await stream.result;
    const left = await collect(stream);
    expect(left.length).toBeGreaterThan(0);
    expect(left).toEqual(numbers(100).slice(-left.length));
  });

  it("delivers what came before a failure, then the failure, to the loop and the result", async () => {
    const stream = new Stream<number, string>({ grant: () => {}, cancel: () => {} });
    const failure = new Error("the worker died");
    stream.push(1);
    stream.push(2);
    stream.fail(failure);
    stream.push(3);
    stream.finish("too late");
    const found: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of stream) found.push(event);
    };
    await expect(loop()).rejects.toBe(failure);
    expect(found).toEqual([1, 2]);
    await expect(stream.result).rejects.toBe(failure);
  });

  it("causes no unhandled rejection when nobody asks for its result", async () => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", listener);
    new Stream({ grant: () => {}, cancel: () => {} }).fail(new Error("nobody listens"));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });

  it("cancels once, and not after its end", async () => {
    const running = play(1000);
    running.stream.cancel();
    running.stream.cancel();
    expect(running.cancelled()).toBe(1);
    const ended = play(1);
    await ended.stream.result;
    ended.stream.cancel();
    expect(ended.cancelled()).toBe(0);
  });
});
