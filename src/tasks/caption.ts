import { z } from "zod";
import type { CallOptions } from "../bridge/request.ts";
import type { Stream } from "../bridge/stream.ts";
import type { ResolvedImage } from "../images/source.ts";
import type { Event, Params, Result, StreamName } from "../protocol/methods.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import { Held, type Picture, pictureOf } from "./held.ts";
import { look, type LookParams, paramsOf, paramsOfHeld, rethrow } from "./look.ts";
import { Captioned } from "./results/captioned.ts";
import {
  readPhrases,
  understandOptions,
  type UnderstandOptions,
  understandParams,
  unsupported,
  wholeNumber,
} from "./understand.ts";

export interface CaptionOptions extends UnderstandOptions {
  /**
   * `greedy`: always the likeliest word piece. `beam`: the likeliest of several captions that are followed at once.
   * `sample`: pieces by lot, each as likely as the model finds it.
   * @default "greedy"
   */
  mode?: "greedy" | "beam" | "sample" | undefined;
  /** Of `beam`: captions that are followed. @default 4 */
  beams?: number | undefined;
  /** Of `beam`: above 1 prefers long captions, below it short ones; 0 to 10. @default 1 */
  lengthPenalty?: number | undefined;
  /** Of `sample`: below 1 the likely becomes likelier. @default 1 */
  temperature?: number | undefined;
  /** Of `sample`: only the likeliest pieces that have this probability together, 0 to 1. @default 1 */
  topP?: number | undefined;
  /** Of `sample`: the same seed gives the same caption. @default 0 */
  seed?: number | undefined;
  /** Most word pieces. @default as many as the model has places for, 62 as a rule */
  maxTokens?: number | undefined;
}

const METHOD = "vision.caption";
const optionsSchema = z.strictObject({
  ...understandOptions,
  mode: z.enum(["greedy", "beam", "sample"]).default("greedy"),
  beams: wholeNumber.max(64).default(4),
  lengthPenalty: z.number().min(0).max(10).default(1),
  temperature: z.number().gt(0).default(1),
  topP: z.number().gt(0).max(1).default(1),
  seed: z
    .int()
    .min(0)
    .max(2 ** 32 - 1)
    .default(0),
  maxTokens: wholeNumber.optional(),
}) satisfies z.ZodType<unknown, CaptionOptions>;
type CheckedCaption = z.output<typeof optionsSchema>;

/** @throws GlipError `invalid_argument` */
export function checkCaption(options: CaptionOptions): CheckedCaption {
  return checkArgument(optionsSchema, options, "options");
}

/** Tells what is in a picture. For `Glip.caption`. */
export async function caption(caller: Caller, image: Picture, given: CaptionOptions = {}): Promise<Captioned> {
  const options = checkCaption(given);
  const { picture, result } = await look({ caller, method: METHOD, extras: {} }, image, options, (params, call) =>
    caller.call(METHOD, captionParams(params, options), call).catch((error: unknown) => {
      throw unsupported("caption", error);
    }),
  );
  return captioned(result, picture);
}

/** What a caption that comes word by word needs of the handle. */
export interface StreamCaller {
  readonly local: boolean;
  stream<Name extends StreamName>(
    method: Name,
    params: Params<Name>,
    options?: CallOptions,
  ): Stream<Event<Name>, Result<Name>>;
}

/**
 * A caption as it comes: iterate it for what each word piece adds, or await its `result`. Iterate it once; leaving the
 * loop early ends it in the worker.
 */
export class CaptionStream implements AsyncIterable<string> {
  readonly #opened: Promise<Opened>;

  /** For the verb that starts it. */
  constructor(opened: Promise<Opened>) {
    this.#opened = opened;
    // Whoever iterates, or asks for the result, learns of it.
    opened.catch(() => {});
  }

  /** The whole caption with what it speaks of. @throws what ended it; `cancelled` when the loop was left early */
  get result(): Promise<Captioned> {
    const result = this.#opened
      .then(async ({ picture, stream }) => captioned(await stream.result, picture))
      .catch((error: unknown) => rethrow(unsupported("caption", error)));
    result.catch(() => {});
    return result;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    try {
      const { stream } = await this.#opened;
      for await (const { text } of stream) yield text;
    } catch (error) {
      rethrow(unsupported("caption", error));
    }
  }
}

interface Opened {
  picture: ResolvedImage;
  stream: Stream<Event<typeof METHOD>, Result<typeof METHOD>>;
}

/** Tells what is in a picture, word by word. For `Glip.captionStream`. */
export function captionStream(caller: StreamCaller, image: Picture, given: CaptionOptions = {}): CaptionStream {
  const options = checkCaption(given);
  return new CaptionStream(open(caller, image, options));
}

async function open(caller: StreamCaller, image: Picture, options: CheckedCaption): Promise<Opened> {
  const { signal, timeoutMs } = options;
  const picture = await pictureOf(image, { ...(signal && { signal }), sameHost: caller.local });
  // A stream is not asked for twice: a held picture is brought along at once.
  const params =
    image instanceof Held ? paramsOfHeld(image, options, {}, { brought: true }) : paramsOf(picture, options, {});
  return { picture, stream: caller.stream(METHOD, captionParams(params, options), { signal, timeoutMs }) };
}

function captionParams(params: LookParams, options: CheckedCaption): Params<typeof METHOD> {
  const { mode, beams, lengthPenalty, temperature, topP, seed, maxTokens } = options;
  return {
    ...understandParams(params),
    mode,
    beams,
    length_penalty: lengthPenalty,
    temperature,
    top_p: topP,
    seed,
    max_tokens: maxTokens ?? null,
  };
}

function captioned(result: Result<typeof METHOD>, picture: ResolvedImage): Captioned {
  const { width, height, caption: text, log_probability: logProbability, ended } = result;
  const phrases = readPhrases(METHOD, text, result);
  return new Captioned({ width, height, caption: text, phrases, passes: 1, logProbability, ended, picture });
}
