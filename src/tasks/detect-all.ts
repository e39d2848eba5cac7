import type { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { answerEach, type BatchOptions, questionsOf } from "./answer-each.ts";
import type { Caller } from "./caller.ts";
import { checkDetect, type DetectOptions, findCategories } from "./detect.ts";
import type { Detections } from "./results/detections.ts";
import { checkNames } from "./thresholds.ts";

export interface DetectAllOptions extends DetectOptions, BatchOptions {}

/** Finds categories in each picture, and gives an answer for each. For `Glip.detectAll`. */
export async function detectAll(
  caller: Caller,
  images: readonly ImageInput[],
  categories: readonly string[] | readonly (readonly string[])[],
  { concurrency, ...options }: DetectAllOptions = {},
): Promise<(Detections | GlipError)[]> {
  const lists = isPerPicture(categories) ? categories : undefined;
  const { thresholds } = options;
  if (lists !== undefined && thresholds !== undefined) checkNames(lists.flat(), thresholds);
  const questions = questionsOf(
    images,
    { name: "categories", one: lists === undefined ? (categories as readonly string[]) : undefined, each: lists ?? [] },
    (names, path) =>
      checkDetect(names, lists === undefined ? options : { ...options, thresholds: only(names, thresholds) }, path),
  );
  const ask = async (image: ImageInput, question: (typeof questions)[number]): Promise<Detections> =>
    (await findCategories(caller, image, question)).found;
  return answerEach(images, questions, ask, { concurrency, signal: options.signal });
}

function isPerPicture(
  categories: readonly string[] | readonly (readonly string[])[],
): categories is readonly (readonly string[])[] {
  return Array.isArray(categories) && categories.some((names) => Array.isArray(names));
}

/** Those that are for categories of this picture. */
function only(names: readonly string[], thresholds: DetectOptions["thresholds"]): DetectOptions["thresholds"] {
  if (thresholds === undefined) return undefined;
  return Object.fromEntries(Object.entries(thresholds).filter(([name]) => names.includes(name)));
}
