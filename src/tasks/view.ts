import { randomUUID } from "node:crypto";
import { z } from "zod";
import type { CallOptions } from "../bridge/request.ts";
import { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { checkArgument } from "../protocol/validate.ts";
import { answer, type AnswerOptions } from "./answer.ts";
import type { Caller } from "./caller.ts";
import { caption, type CaptionOptions, type CaptionStream, captionStream, type StreamCaller } from "./caption.ts";
import { detect, type DetectOptions } from "./detect.ts";
import { embed, type EmbedChoice, type Embeddings } from "./embed.ts";
import { ground, type GroundOptions } from "./ground.ts";
import { Held } from "./held.ts";
import { look, lookOptions } from "./look.ts";
import type { Answered } from "./results/answered.ts";
import type { Captioned } from "./results/captioned.ts";
import type { DetectedObject, Detections, Masked } from "./results/detections.ts";
import type { GroundedObject, Grounding } from "./results/grounding.ts";
import { segment, type Segmentation } from "./segment.ts";
import { unsupported } from "./understand.ts";

/** How a picture is looked at. */
export interface ViewOptions extends CallOptions {
  /** As for `detect`. @default as the model was trained */
  shortSide?: number | undefined;
  /** As for `detect`. @default as the model was trained */
  longSide?: number | undefined;
}

/** What a verb of a view takes: the size at which the picture is seen was said to `look`. */
export type OfView<Options> = Omit<Options, keyof typeof sides>;

const { threshold, shortSide, longSide, signal, timeoutMs } = lookOptions;
const sides = { shortSide, longSide };
const optionsSchema = z.strictObject({ ...sides, signal, timeoutMs }) satisfies z.ZodType<unknown, ViewOptions>;

/** What a view needs of the handle: calls to the one worker that holds it. */
export type ViewCaller = Caller & StreamCaller;

/** Looks at a picture once, for all that is asked about it. For `Glip.look`. */
export async function openView(caller: ViewCaller, image: ImageInput, given: ViewOptions = {}): Promise<View> {
  const method = "vision.look";
  const options = checkArgument(optionsSchema, given, "options");
  const name = randomUUID();
  // What is found is asked for later.
  const all = { ...options, threshold: threshold.parse(undefined) };
  const { picture, result } = await look({ caller, method, extras: {} }, image, all, (params, call) => {
    const { short_side, long_side } = params;
    const looked = caller.call(method, { image: { ...params.image, view: name }, short_side, long_side }, call);
    return looked.catch((error: unknown) => {
      throw unsupported("look", error, { reason: "the engine that is loaded holds no pictures" });
    });
  });
  const held = new Held(name, picture, { shortSide: options.shortSide, longSide: options.longSide });
  return new View(caller, held, result);
}

/**
 * A picture that a worker has looked at, and holds. All that is asked about it is answered from that: as by the handle's
 * verb of the same name, sooner. Questions that are asked at once are computed together. Close it, or declare it with
 * `await using`. A worker holds a few hundred megabytes of views; one that it had to drop, or that is gone with a worker
 * that was restarted, is looked at again when it is asked about: what is then in the file, or in the memory that it came
 * from.
 */
export class View implements AsyncDisposable {
  /** Sides of the upright picture, in pixels. */
  readonly width: number;
  readonly height: number;
  readonly #caller: ViewCaller;
  readonly #held: Held;
  readonly #pending = new Set<Promise<unknown>>();
  #closed = false;

  /** For `Glip.look`. */
  constructor(caller: ViewCaller, held: Held, { width, height }: { width: number; height: number }) {
    this.#caller = caller;
    this.#held = held;
    this.width = width;
    this.height = height;
  }

  /** As `Glip.detect`. @throws GlipError as it; `invalid_argument` once the view is closed, as all of these */
  async detect(categories: readonly string[], options: OfView<DetectOptions> = {}): Promise<Detections> {
    return this.#answered(detect(this.#caller, this.#asked(options), categories, options));
  }

  /** As `Glip.ground`. */
  async ground(sentence: string, options: OfView<GroundOptions> = {}): Promise<Grounding> {
    return this.#answered(ground(this.#caller, this.#asked(options), sentence, options));
  }

  /** As `Glip.segment`. */
  segment(categories: readonly string[], options?: OfView<DetectOptions>): Promise<Detections<Masked<DetectedObject>>>;
  segment(sentence: string, options?: OfView<GroundOptions>): Promise<Grounding<Masked<GroundedObject>>>;
  async segment(
    text: string | readonly string[],
    options: OfView<DetectOptions & GroundOptions> = {},
  ): Promise<Segmentation> {
    return this.#answered(segment(this.#caller, this.#asked(options), text, options));
  }

  /** As `Glip.embed`. */
  embed(categories: readonly string[], options?: OfView<DetectOptions & EmbedChoice>): Promise<Embeddings<Detections>>;
  embed(sentence: string, options?: OfView<GroundOptions & EmbedChoice>): Promise<Embeddings<Grounding>>;
  async embed(
    text: string | readonly string[],
    options: OfView<DetectOptions & GroundOptions & EmbedChoice> = {},
  ): Promise<Embeddings> {
    return this.#answered(embed(this.#caller, this.#asked(options), text, options));
  }

  /** As `Glip.answer`. */
  async answer(question: string, options: OfView<AnswerOptions> = {}): Promise<Answered> {
    return this.#answered(answer(this.#caller, this.#asked(options), question, options));
  }

  /** As `Glip.caption`. */
  async caption(options: OfView<CaptionOptions> = {}): Promise<Captioned> {
    return this.#answered(caption(this.#caller, this.#asked(options), options));
  }

  /** As `Glip.captionStream`. @throws GlipError `invalid_argument` at once */
  captionStream(options: OfView<CaptionOptions> = {}): CaptionStream {
    const stream = captionStream(this.#caller, this.#asked(options), options);
    this.#answered(stream.result).catch(() => {});
    return stream;
  }

  /** Lets the worker free what it holds, when what was asked is answered. Idempotent, and waits for nothing. */
  close(): Promise<void> {
    if (!this.#closed) void Promise.allSettled(this.#pending).then(() => this.#forget());
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #forget(): Promise<void> {
    // A worker that is gone holds nothing.
    await this.#caller.call("vision.forget", { view: this.#held.name }).catch(() => {});
  }

  /** @throws GlipError `invalid_argument` for a view that is closed, and for sides, whoever gets past the types */
  #asked(options: object): Held {
    if (this.#closed) throw invalid("view", "an open one (look() makes another)", "one that was closed");
    for (const [name, value] of Object.entries(options))
      if (Object.hasOwn(sides, name) && value !== undefined)
        throw invalid(`options.${name}`, "it among the options of look(), which sees the picture", String(value));
    return this.#held;
  }

  /** What is held is not let go before its answer. */
  async #answered<Answer>(answer: Promise<Answer>): Promise<Answer> {
    this.#pending.add(answer);
    try {
      return await answer;
    } finally {
      this.#pending.delete(answer);
    }
  }
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  const details = { path, expected, received };
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, details);
}
