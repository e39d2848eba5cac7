import { z } from "zod";
import type { CallOptions } from "../bridge/request.ts";
import { GlipError, isGlipError } from "../errors.ts";
import type { Result } from "../protocol/methods.ts";
import { readFound } from "./found.ts";
import { lookOptions, type LookParams } from "./look.ts";
import type { GroundedObject, GroundedPhrase } from "./results/grounding.ts";
import { Positions, type Span } from "./spans.ts";

/** What `answer` and `caption` share. */
export interface UnderstandOptions extends CallOptions {
  /** What the phrases speak of must score above it; 0 to 1. @default 0.5 */
  threshold?: number | undefined;
  /** Give at most so many objects, the best-scoring ones. @default all that the model gives */
  maxObjects?: number | undefined;
  /** As for `detect`. @default as the model was trained */
  shortSide?: number | undefined;
  /** As for `detect`. @default as the model was trained */
  longSide?: number | undefined;
}

const { threshold, maxObjects, shortSide, longSide, signal, timeoutMs } = lookOptions;
export const understandOptions = { threshold, maxObjects, shortSide, longSide, signal, timeoutMs };
export const wholeNumber = z
  .int()
  .min(1)
  .max(2 ** 32 - 1);

/** Of what a look takes, what these methods take. */
export function understandParams({ image, threshold, max_objects, short_side, long_side }: LookParams) {
  return { image, threshold, max_objects, short_side, long_side };
}

/** Of a call that the worker has no method for: the official engine has none. Anything else as it is. */
export function unsupported(
  verb: string,
  error: unknown,
  { reason, model = "" }: { reason: string; model?: string } = wordless,
): unknown {
  if (!isGlipError(error, "unknown_method")) return error;
  const text = `${verb}: ${reason}: launch it with engine: "native" (--engine native)${model}`;
  return new GlipError("unsupported", text, { feature: verb, reason }, { cause: error });
}

const wordless = {
  reason: "the engine that is loaded finds things, and answers and tells nothing",
  model: ", and a model that has this part",
};

type Grounded = Pick<Result<"vision.answer">, "width" | "height" | "boxes" | "scores" | "phrases" | "phrase_indices">;

/** @throws GlipError `invalid_message` for phrases that are not in the text, or objects of no phrase */
export function readPhrases(method: string, text: string, result: Grounded): GroundedPhrase[] {
  const { phrases, phrase_indices: indices } = result;
  const positions = new Positions(text);
  const objects = phrases.map((): GroundedObject[] => []);
  const read = phrases.map((span, index): GroundedPhrase => {
    const units = unitsOf(method, span, positions);
    return { text: text.slice(...units), span: units, objects: objects[index] as GroundedObject[] };
  });
  for (const { box, score, index } of readFound(method, { ...result, indices, masks: null }, phrases.length)) {
    objects[index]?.push({ label: (read[index] as GroundedPhrase).text, phrase: index, score, box });
  }
  return read;
}

export function unitsOf(method: string, { start, end }: Span, positions: Positions): readonly [number, number] {
  const [from, to] = [positions.toUnit(start), positions.toUnit(end)];
  if (from !== undefined && to !== undefined && from <= to) return [from, to];
  const reason = `the result of ${method}: the span ${start}…${end} is not in a text of ${positions.points} code points`;
  throw new GlipError("invalid_message", `The worker sent a message that does not fit the protocol: ${reason}`, {
    reason,
  });
}
