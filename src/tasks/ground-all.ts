import type { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { answerEach, type BatchOptions, questionsOf } from "./answer-each.ts";
import type { Caller } from "./caller.ts";
import { checkGround, findPhrases, type GroundOptions } from "./ground.ts";
import type { Grounding } from "./results/grounding.ts";

export interface GroundAllOptions extends GroundOptions, BatchOptions {}

/** Grounds a caption in each picture, and gives an answer for each. For `Glip.groundAll`. */
export async function groundAll(
  caller: Caller,
  images: readonly ImageInput[],
  captions: string | readonly string[],
  { concurrency, ...options }: GroundAllOptions = {},
): Promise<(Grounding | GlipError)[]> {
  const questions = questionsOf(
    images,
    Array.isArray(captions)
      ? { name: "captions", one: undefined, each: captions as readonly string[] }
      : { name: "captions", one: captions as string, each: [] },
    (caption, path) => checkGround(caption, options, path),
  );
  const ask = async (image: ImageInput, question: (typeof questions)[number]): Promise<Grounding> =>
    (await findPhrases(caller, image, question)).found;
  return answerEach(images, questions, ask, { concurrency, signal: options.signal });
}
