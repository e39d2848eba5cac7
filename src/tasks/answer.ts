import { z } from "zod";
import { text } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import type { Picture } from "./held.ts";
import { look } from "./look.ts";
import { Answered } from "./results/answered.ts";
import {
  readPhrases,
  understandOptions,
  type UnderstandOptions,
  understandParams,
  unsupported,
  wholeNumber,
} from "./understand.ts";

export interface AnswerOptions extends UnderstandOptions {
  /** The candidates, any texts; one of them is the answer. @default those that the model was trained with */
  answers?: readonly string[] | undefined;
  /** How many of the candidates are given, best first. @default 5 */
  top?: number | undefined;
}

const filled = text.refine((given) => given.trim() !== "", "a text");
const questionSchema = text.refine((question) => question.trim() !== "", "a question");
const optionsSchema = z.strictObject({
  ...understandOptions,
  answers: z.array(filled).min(1, "at least one candidate").optional(),
  top: wholeNumber.default(5),
}) satisfies z.ZodType<unknown, AnswerOptions>;

/** What is asked of the worker, checked. @throws GlipError `invalid_argument` */
export function checkAnswer(question: string, options: AnswerOptions) {
  return {
    question: checkArgument(questionSchema, question, "question"),
    options: checkArgument(optionsSchema, options, "options"),
  };
}

/** Answers a question about a picture. For `Glip.answer`. */
export async function answer(
  caller: Caller,
  image: Picture,
  asked: string,
  given: AnswerOptions = {},
): Promise<Answered> {
  const method = "vision.answer";
  const { question, options } = checkAnswer(asked, given);
  const { answers = null, top } = options;
  const { picture, result } = await look({ caller, method, extras: {} }, image, options, (params, call) =>
    caller.call(method, { ...understandParams(params), question, answers, top }, call).catch((error: unknown) => {
      throw unsupported("answer", error);
    }),
  );
  const { width, height } = result;
  const phrases = readPhrases(method, question, result);
  return new Answered({ width, height, question, answers: result.answers, phrases, picture });
}
