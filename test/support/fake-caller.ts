import { setTimeout as sleep } from "node:timers/promises";
import { GlipError } from "../../src/errors.ts";
import type { Params, Result } from "../../src/protocol/methods.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import type { Caller } from "../../src/tasks/caller.ts";

type Detect = "vision.detect";

/** Answers `vision.detect` in place of a worker: one object, whose score tells which picture was asked about. */
export interface FakeCaller extends Caller {
  /** The first byte of each picture, in the order in which they were asked for. */
  readonly asked: number[];
  readonly params: Params<Detect>[];
  /** Calls under way now, and at most so far. */
  readonly running: { now: number; most: number };
}

/**
 * @param answer what happens to the picture that begins with this byte: the milliseconds its answer takes, or an error
 */
export function fakeCaller(answer: (first: number) => number | GlipError = () => 0): FakeCaller {
  const running = { now: 0, most: 0 };
  const asked: number[] = [];
  const params: Params<Detect>[] = [];
  const detect = async (given: Params<Detect>, signal: AbortSignal | undefined): Promise<Result<Detect>> => {
    const first = given.image.encoded?.data[0] ?? -1;
    asked.push(first);
    params.push(given);
    running.most = Math.max(running.most, ++running.now);
    try {
      const outcome = answer(first);
      if (outcome instanceof GlipError) throw outcome;
      await sleep(outcome, undefined, signal && { signal }).catch((cause: unknown) => {
        throw new GlipError("cancelled", "the call was cancelled", {}, { cause });
      });
    } finally {
      running.now -= 1;
    }
    return {
      width: 10,
      height: 10,
      boxes: Tensor.from("float32", [[1, 2, 3, 4]]),
      scores: Tensor.from("float32", [first / 256]),
      categories: Tensor.from("int32", [0]),
      passes: 1,
      features: null,
      masks: null,
    };
  };
  return {
    local: true,
    asked,
    params,
    running,
    // It answers this one method; the tests ask for no other.
    call: ((method: string, given: Params<Detect>, options?: { signal?: AbortSignal }) =>
      method === "vision.detect"
        ? detect(given, options?.signal)
        : Promise.reject(new Error(`${method} is not played`))) as Caller["call"],
  };
}

/** A picture that begins with `first`. */
export const numbered = (first: number): Uint8Array => Uint8Array.of(first, 0, 0);

/** What is wrong with one picture. */
export const damaged = (): GlipError<"image_invalid"> =>
  new GlipError("image_invalid", "Cannot read the picture image: it is cut off.", {
    path: "image",
    reason: "it is cut off",
  });
