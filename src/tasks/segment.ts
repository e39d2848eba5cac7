import type { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { answerEach, type BatchOptions, questionsOf } from "./answer-each.ts";
import type { Caller } from "./caller.ts";
import { checkDetect, type DetectOptions, findCategories } from "./detect.ts";
import { checkGround, findPhrases, type GroundOptions } from "./ground.ts";
import type { Picture } from "./held.ts";
import type { DetectedObject, Detections, Masked } from "./results/detections.ts";
import type { GroundedObject, Grounding } from "./results/grounding.ts";

/** What `segment` finds: of categories, or of a caption's phrases. */
export type Segmentation = Detections<Masked<DetectedObject>> | Grounding<Masked<GroundedObject>>;

type Options = DetectOptions & GroundOptions;
type Ask = (caller: Caller, image: Picture) => Promise<Segmentation>;

/** Finds objects and their pixels. For `Glip.segment`. */
export async function segment(
  caller: Caller,
  image: Picture,
  text: string | readonly string[],
  options: Options = {},
): Promise<Segmentation> {
  return checkSegment(text, options)(caller, image);
}

/** The same in each picture, with an answer for each. For `Glip.segmentAll`. */
export async function segmentAll(
  caller: Caller,
  images: readonly ImageInput[],
  text: string | readonly string[],
  { concurrency, ...options }: Options & BatchOptions = {},
): Promise<(Segmentation | GlipError)[]> {
  const name = typeof text === "string" ? "caption" : "categories";
  const questions = questionsOf(images, { name, one: text, each: [] }, (one) => checkSegment(one, options));
  return answerEach(images, questions, (image, ask) => ask(caller, image), { concurrency, signal: options.signal });
}

/** @throws GlipError `invalid_argument` */
export function checkSegment(text: string | readonly string[], options: Options): Ask {
  if (typeof text === "string") {
    const question = checkGround(text, options);
    return async (caller, image) => (await findPhrases(caller, image, question, { masks: true })).found;
  }
  const question = checkDetect(text, options);
  return async (caller, image) => (await findCategories(caller, image, question, { masks: true })).found;
}
