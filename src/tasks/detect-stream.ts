import { z } from "zod";
import { GlipError, isGlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { checkArgument } from "../protocol/validate.ts";
import { cancelled, concurrencySchema } from "./answer-each.ts";
import type { Caller } from "./caller.ts";
import { checkDetect, type DetectOptions, findCategories } from "./detect.ts";
import { inOrder } from "./in-order.ts";
import type { Detections } from "./results/detections.ts";

export interface DetectStreamOptions extends DetectOptions {
  /**
   * So many frames are taken from the source and not yet given back, at most: they wait for the worker, or for you.
   * Those that wait together may be computed together; fewer are fresher. @default 4
   */
  concurrency?: number | undefined;
  /**
   * Hears of a frame that has no answer (its error, and its number from 0), and the stream goes on without it; throw to
   * end it. @default the loop throws the error and ends
   */
  onError?: ((error: GlipError, index: number) => void) | undefined;
}

const schema = z.object({
  concurrency: concurrencySchema.default(4),
  onError: z
    .custom<NonNullable<DetectStreamOptions["onError"]>>((value) => typeof value === "function", "a function")
    .optional(),
});

/** These end the stream, whatever `onError` does: no later frame can have an answer. */
const TERMINAL: readonly string[] = ["cancelled", "worker_closed", "unknown_method"];

/** Finds the categories in frames as they come. For `Glip.detectStream`. */
export function detectStream(
  caller: Caller,
  frames: AsyncIterable<ImageInput> | Iterable<ImageInput>,
  categories: readonly string[],
  { concurrency: given, onError: listener, ...options }: DetectStreamOptions = {},
): AsyncGenerator<Detections, void, undefined> {
  const source = checkFrames(frames);
  const { concurrency: most, onError } = checkArgument(schema, { concurrency: given, onError: listener }, "options");
  const question = checkDetect(categories, options);
  const ask = async (frame: ImageInput, signal: AbortSignal): Promise<Detections> =>
    (await findCategories(caller, frame, { ...question, options: { ...question.options, signal } })).found;
  return answers(inOrder(source, ask, { concurrency: most, signal: options.signal, onAbort: cancelled }), onError);
}

async function* answers(
  outcomes: ReturnType<typeof inOrder<ImageInput, Detections>>,
  onError: DetectStreamOptions["onError"],
): AsyncGenerator<Detections, void, undefined> {
  let index = 0;
  for await (const outcome of outcomes) {
    if ("answer" in outcome) yield outcome.answer;
    else {
      const { error } = outcome;
      if (onError === undefined || !isGlipError(error) || TERMINAL.includes(error.code)) throw error;
      onError(error, index);
    }
    index += 1;
  }
}

/** A path has characters to iterate over, bytes have numbers: neither is what was meant. */
function checkFrames(frames: AsyncIterable<ImageInput> | Iterable<ImageInput>): typeof frames {
  const given: unknown = frames;
  const iterable =
    typeof given === "object" && given !== null && (Symbol.asyncIterator in given || Symbol.iterator in given);
  if (iterable && !ArrayBuffer.isView(given)) return frames;
  const details = {
    path: "frames",
    expected: "an iterable of pictures, async or not",
    received: typeof given === "object" ? "no iterable of them" : `a ${typeof given}`,
  };
  const text = `${details.path}: expected ${details.expected}, got ${details.received}`;
  throw new GlipError("invalid_argument", text, details);
}
