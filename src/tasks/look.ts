import { z } from "zod";
import type { CallOptions } from "../bridge/request.ts";
import { GlipError, isGlipError } from "../errors.ts";
import type { ResolvedImage } from "../images/source.ts";
import type { Params } from "../protocol/methods.ts";
import { Deadline } from "../worker/deadline.ts";
import type { Caller } from "./caller.ts";
import { Held, isNotHeld, type Picture, pictureOf } from "./held.ts";

/** What every task that looks at a picture takes. */
export interface LookOptions extends CallOptions {
  /** Objects must score above it; 0 to 1. @default 0.5 */
  threshold?: number | undefined;
  /** Give at most so many objects, the best-scoring ones. @default all that the model gives */
  maxObjects?: number | undefined;
  /** The picture is resized so that its short side has this length, in pixels. @default as the model was trained: 800 */
  shortSide?: number | undefined;
  /** … but its long side at most this one, in pixels. @default as the model was trained: 1333 */
  longSide?: number | undefined;
}

const uint32 = z
  .int()
  .min(1)
  .max(2 ** 32 - 1);
/** setTimeout fires at once for more. */
const longestTimeoutMs = 2 ** 31 - 1;

export const score = z.number().min(0).max(1);

export const lookOptions = {
  threshold: score.default(0.5),
  maxObjects: uint32.optional(),
  shortSide: uint32.optional(),
  longSide: uint32.optional(),
  signal: z.instanceof(AbortSignal).optional(),
  timeoutMs: z.number().gt(0).max(longestTimeoutMs).optional(),
};

const schema = z.strictObject(lookOptions);
type CheckedLook = z.output<typeof schema>;

export type LookParams = Pick<
  Params<"vision.detect">,
  "image" | "threshold" | "max_objects" | "short_side" | "long_side" | "features" | "masks"
>;

/** What the worker is to give besides. */
export interface Extras {
  features?: boolean;
  masks?: boolean;
}

/**
 * Brings the picture into its form for the worker and makes the call; signal and deadline hold for both together.
 * @param image a held one is asked about by its name, and brought along where the worker does not hold it any more
 * @param send the call itself, with what every such method takes
 */
export async function look<R>(
  { caller, method, extras }: { caller: Caller; method: string; extras: Extras },
  image: Picture,
  options: CheckedLook,
  send: (params: LookParams, options: CallOptions) => Promise<R>,
): Promise<{ picture: ResolvedImage; result: R }> {
  const { signal, timeoutMs } = options;
  const ask = async (picture: ResolvedImage, call: CallOptions): Promise<R> => {
    if (!(image instanceof Held)) return send(paramsOf(picture, options, extras), call);
    try {
      return await send(paramsOfHeld(image, options, extras, { brought: false }), call);
    } catch (error) {
      if (!isNotHeld(error)) throw error;
    }
    return send(paramsOfHeld(image, options, extras, { brought: true }), call);
  };
  if (timeoutMs === undefined) {
    const picture = await pictureOf(image, { ...(signal && { signal }), sameHost: caller.local });
    return { picture, result: await ask(picture, { signal }).catch(rethrow) };
  }
  const deadline = new Deadline(timeoutMs);
  const stop = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
  try {
    const start = performance.now();
    const picture = await pictureOf(image, { signal: stop, sameHost: caller.local });
    const left = Math.max(1, timeoutMs - (performance.now() - start));
    return { picture, result: await ask(picture, { signal: stop, timeoutMs: left }).catch(rethrow) };
  } catch (error) {
    if (!deadline.expired || signal?.aborted) throw error;
    const text = `${method}: no result within ${timeoutMs} ms; give it more time (timeoutMs) or less work`;
    throw new GlipError("deadline_exceeded", text, { timeoutMs }, { cause: error });
  } finally {
    deadline.end();
  }
}

/** What the worker knows as a parameter, and the caller as an option. */
const optionNames: Record<string, string> = {
  threshold: "threshold",
  max_objects: "maxObjects",
  short_side: "shortSide",
  long_side: "longSide",
  phrases: "phrases",
  prompt: "prompt",
  answers: "answers",
  beams: "beams",
  max_tokens: "maxTokens",
};

/** Names a refused value as the caller knows it, and what helps where memory ended. */
export function rethrow(error: unknown): never {
  if (isGlipError(error, "out_of_memory")) {
    const remedy = "ask for a smaller picture (shortSide, longSide), or use another device or model";
    const text = `Memory ended while looking at the picture; the worker lives on: ${remedy}.\n${error.message}`;
    throw new GlipError("out_of_memory", text, error.details);
  }
  if (!isGlipError(error, "invalid_argument")) throw error;
  const { path, expected, received } = error.details;
  const [, name = "", rest = ""] = /^(\w+)(.*)$/s.exec(path) ?? [];
  const option = optionNames[name];
  if (option === undefined) throw error;
  const details = { path: `options.${option}${rest}`, expected, received };
  throw new GlipError("invalid_argument", `${details.path}: expected ${expected}, got ${received}`, details);
}

/** @param brought whether the picture goes along */
export function paramsOfHeld(
  held: Held,
  options: CheckedLook,
  extras: Extras,
  { brought }: { brought: boolean },
): LookParams {
  const { image, ...params } = paramsOf(held.picture, { ...options, ...held.sides }, extras);
  const picture = brought ? image : { path: null, encoded: null, pixels: null };
  return { ...params, image: { ...picture, view: held.name } };
}

export function paramsOf(picture: ResolvedImage, options: CheckedLook, extras: Extras): LookParams {
  return {
    image: { path: null, encoded: null, pixels: null, view: null, ...picture },
    threshold: options.threshold,
    max_objects: options.maxObjects ?? null,
    short_side: options.shortSide ?? null,
    long_side: options.longSide ?? null,
    features: extras.features ?? false,
    masks: extras.masks ?? false,
  };
}
