import { z } from "zod";
import { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";
import { checkArgument } from "../protocol/validate.ts";

/** How many calls may be under way at once. */
export const concurrencySchema = z.int().min(1).max(1024);

export interface BatchOptions {
  /** So many pictures are under way at once; those that wait together may be computed together. @default 16 */
  concurrency?: number | undefined;
}

const schema = z.object({ concurrency: concurrencySchema.default(16) });
/** What each is, is for the call that looks at it to say. */
const imagesSchema = z.array(z.unknown());

/**
 * Asks for each picture, and gives an answer for each in their order: one that fails costs the others nothing. Only what
 * concerns all of them, the caller's own abort, rejects.
 * @param questions one for each picture
 */
export async function answerEach<Question, Answer>(
  images: readonly ImageInput[],
  questions: readonly Question[],
  ask: (image: ImageInput, question: Question) => Promise<Answer>,
  { signal, ...options }: BatchOptions & { signal: AbortSignal | undefined },
): Promise<(Answer | GlipError)[]> {
  const { concurrency } = checkArgument(schema, options, "options");
  const answers: (Answer | GlipError)[] = [];
  const left = images.entries();
  const work = async (): Promise<void> => {
    for (const [index, image] of left) {
      if (signal?.aborted) throw cancelled(signal);
      try {
        answers[index] = await ask(image, questions[index] as Question);
      } catch (error) {
        if (!(error instanceof GlipError) || signal?.aborted) throw error;
        answers[index] = error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, images.length) }, work));
  return answers;
}

/**
 * What to ask for each picture: the same for all, or one for each; all are checked before anything is sent.
 * @param name how the caller knows the questions
 */
export function questionsOf<Text, Question>(
  images: readonly ImageInput[],
  { name, one, each }: { name: string; one: Text | undefined; each: readonly Text[] },
  check: (text: Text, path: string) => Question,
): Question[] {
  const { length } = checkArgument(imagesSchema, images, "images");
  if (one !== undefined) return Array<Question>(length).fill(check(one, name));
  if (each.length === length) return each.map((text, index) => check(text, `${name}[${index}]`));
  const details = { path: name, expected: `one for each of ${length} pictures`, received: `${each.length}` };
  const text = `${details.path}: expected ${details.expected}, got ${details.received}`;
  throw new GlipError("invalid_argument", text, details);
}

export function cancelled(signal: AbortSignal): GlipError<"cancelled"> {
  return new GlipError("cancelled", "The call was cancelled by its signal.", {}, { cause: signal.reason });
}
