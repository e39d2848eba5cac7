import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { GlipError } from "../../src/errors.ts";
import { detectStream } from "../../src/tasks/detect-stream.ts";
import type { Detections } from "../../src/tasks/results/detections.ts";
import { damaged, fakeCaller, numbered } from "../support/fake-caller.ts";

const frames = (count: number): Uint8Array[] => Array.from({ length: count }, (_, index) => numbered(index + 1));
const numberOf = (seen: Detections): number => (seen.objects[0]?.score ?? 0) * 256;

/** A camera: what it gave, and whether it was ended. */
function camera(count: number, pauseMs = 0) {
  const state = { given: 0, ended: false };
  async function* run(): AsyncGenerator<Uint8Array> {
    try {
      while (state.given < count) {
        if (pauseMs > 0) await sleep(pauseMs);
        yield numbered(++state.given);
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, frames: run() };
}

async function collect(stream: AsyncIterable<Detections>): Promise<number[]> {
  const numbers: number[] = [];
  for await (const seen of stream) numbers.push(numberOf(seen));
  return numbers;
}

describe("frames", () => {
  it("are answered in their order, several at once", async () => {
    const caller = fakeCaller((first) => (first % 2 === 0 ? 1 : 15));
    expect(await collect(detectStream(caller, camera(9).frames, ["dog"], { concurrency: 3 }))).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(caller.running.most).toBe(3);
    expect(await collect(detectStream(caller, frames(3), ["dog"]))).toEqual([1, 2, 3]);
    expect(await collect(detectStream(caller, [], ["dog"]))).toEqual([]);
  });

  it("are only taken when there is room for them", async () => {
    const caller = fakeCaller();
    const source = camera(100);
    let read = 0;
    for await (const _ of detectStream(caller, source.frames, ["dog"], { concurrency: 4 })) {
      await sleep(5);
      read += 1;
      // Those under way or done and not yet read; one more is in the reader's hands.
      expect(source.state.given).toBeLessThanOrEqual(read + 4);
      if (read === 10) break;
    }
    expect(source.state.given).toBeGreaterThan(10);
  });

  it("are given as soon as they are answered, though the source is slow", async () => {
    const source = camera(2, 300);
    const given: number[] = [];
    for await (const _ of detectStream(fakeCaller(), source.frames, ["dog"])) given.push(source.state.given);
    expect(given).toEqual([1, 2]);
  });

  it("need no one who waits: what is under way goes on while the reader is busy", async () => {
    const caller = fakeCaller(() => 20);
    const stream = detectStream(caller, frames(4), ["dog"], { concurrency: 4 });
    await stream.next();
    await sleep(60);
    expect(caller.asked).toEqual([1, 2, 3, 4]);
    expect(caller.running.now).toBe(0);
    await stream.return();
  });
});

describe("leaving", () => {
  it("the loop cancels what is under way and ends the source", async () => {
    const caller = fakeCaller((first) => (first === 1 ? 1 : 10_000));
    const source = camera(100);
    for await (const seen of detectStream(caller, source.frames, ["dog"], { concurrency: 3 })) {
      expect(numberOf(seen)).toBe(1);
      break;
    }
    expect(caller.running.now).toBe(0);
    expect(source.state.ended).toBe(true);
    expect(source.state.given).toBeLessThan(6);
  });

  it("does not wait for a source that gives nothing", async () => {
    async function* stuck(): AsyncGenerator<Uint8Array> {
      yield numbered(1);
      await new Promise(() => {});
    }
    for await (const _ of detectStream(fakeCaller(), stuck(), ["dog"])) break;
    const controller = new AbortController();
    const reason = new Error("enough");
    setTimeout(() => controller.abort(reason), 20);
    const stream = detectStream(fakeCaller(), stuck(), ["dog"], { signal: controller.signal });
    await expect(collect(stream)).rejects.toMatchObject({ code: "cancelled", cause: reason });
  });
});

describe("a frame without an answer", () => {
  const caller = () => fakeCaller((first) => (first === 2 ? damaged() : 1));

  it("ends the loop with its error, after those before it", async () => {
    const source = camera(100);
    const numbers: number[] = [];
    const loop = async (): Promise<void> => {
      for await (const seen of detectStream(caller(), source.frames, ["dog"])) numbers.push(numberOf(seen));
    };
    await expect(loop()).rejects.toMatchObject({ code: "image_invalid" });
    expect(numbers).toEqual([1]);
    expect(source.state.ended).toBe(true);
  });

  it("is left out where someone hears of it", async () => {
    const heard: [string, number][] = [];
    const onError = ({ code }: GlipError, index: number) => void heard.push([code, index]);
    expect(await collect(detectStream(caller(), frames(4), ["dog"], { onError }))).toEqual([1, 3, 4]);
    expect(heard).toEqual([["image_invalid", 1]]);
  });

  it("ends the loop where that someone throws", async () => {
    const onError = (error: GlipError): void => {
      throw new Error("too bad", { cause: error });
    };
    await expect(collect(detectStream(caller(), frames(4), ["dog"], { onError }))).rejects.toThrow("too bad");
  });
});

it("an error of the source comes after the frames before it", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield numbered(1);
    yield numbered(2);
    throw new Error("the camera is unplugged");
  }
  const numbers: number[] = [];
  const loop = async (): Promise<void> => {
    for await (const seen of detectStream(
      fakeCaller(() => 10),
      broken(),
      ["dog"],
    ))
      numbers.push(numberOf(seen));
  };
  await expect(loop()).rejects.toThrow("unplugged");
  expect(numbers).toEqual([1, 2]);
});

it.each<[unknown, unknown, unknown, string]>([
  ["frames/", ["dog"], {}, "frames: expected an iterable of pictures, async or not, got a string"],
  [numbered(1), ["dog"], {}, "frames: expected an iterable of pictures, async or not, got no iterable of them"],
  [[], [], {}, "categories: expected at least one category, got an array of 0"],
  [[], ["dog"], { concurrency: 1.5 }, "options.concurrency: expected int, got 1.5"],
  [[], ["dog"], { onError: "log" }, 'options.onError: expected a function, got "log"'],
])("is refused at once: %#", (source, categories, options, message) => {
  type Arguments = Parameters<typeof detectStream>;
  const call = () =>
    detectStream(fakeCaller(), source as Arguments[1], categories as Arguments[2], options as Arguments[3]);
  expect(call).toThrow(expect.objectContaining({ code: "invalid_argument", message }));
});
