import { z } from "zod";
import { text } from "../protocol/fields.ts";
import type { Result } from "../protocol/methods.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import { type Found, readFound } from "./found.ts";
import type { Picture } from "./held.ts";
import { type Extras, look, type LookOptions, lookOptions } from "./look.ts";
import { locatePhrases, type PhraseInput } from "./phrases.ts";
import type { Masked } from "./results/detections.ts";
import { type GroundedObject, type GroundedPhrase, Grounding } from "./results/grounding.ts";
import { Positions, type Span } from "./spans.ts";
import { unitsOf } from "./understand.ts";

export interface GroundOptions extends LookOptions {
  /**
   * What to look for: pieces of the caption, each as text (its first occurrence that no phrase before it has; whole
   * words first) or as `[start, end]` in UTF-16 units. @default the caption's noun phrases, found by the worker
   */
  phrases?: readonly PhraseInput[] | undefined;
}

const captionSchema = text.refine((caption) => caption.trim() !== "", "a caption");
const offset = z.int().min(0);
const phrase = z.union([text.min(1), z.tuple([offset, offset]).readonly()], "a text or [start, end]");
const optionsSchema = z.strictObject({
  ...lookOptions,
  phrases: z.array(phrase).min(1, "at least one phrase").optional(),
}) satisfies z.ZodType<unknown, GroundOptions>;
type CheckedGround = z.output<typeof optionsSchema>;

/** What is asked of the worker, checked. */
export interface GroundQuestion {
  caption: string;
  positions: Positions;
  /** In code points; null: the caption's noun phrases. */
  phrases: Span[] | null;
  options: CheckedGround;
}

/**
 * @param path how the caller knows the caption
 * @throws GlipError `invalid_argument`
 */
export function checkGround(caption: string, options: GroundOptions, path = "caption"): GroundQuestion {
  const sentence = checkArgument(captionSchema, caption, path);
  const checked = checkArgument(optionsSchema, options, "options");
  const positions = new Positions(sentence);
  const phrases = checked.phrases === undefined ? null : locatePhrases(sentence, positions, checked.phrases);
  return { caption: sentence, positions, phrases, options: checked };
}

/** Finds what the phrases of a caption speak of. For `Glip.ground`. */
export async function ground(
  caller: Caller,
  image: Picture,
  caption: string,
  options: GroundOptions = {},
): Promise<Grounding> {
  return (await findPhrases(caller, image, checkGround(caption, options))).found;
}

interface FoundPhrases<Object extends GroundedObject = GroundedObject> {
  found: Grounding<Object>;
  /** Where each of `found.objects` stands in the worker's tensors. */
  rows: number[];
  features: Result<"vision.ground">["features"];
}

/** @param extras what the worker is to give besides */
export async function findPhrases(
  caller: Caller,
  image: Picture,
  question: GroundQuestion,
  extras: Extras & { masks: true },
): Promise<FoundPhrases<Masked<GroundedObject>>>;
export async function findPhrases(
  caller: Caller,
  image: Picture,
  question: GroundQuestion,
  extras?: Extras,
): Promise<FoundPhrases>;
export async function findPhrases(
  caller: Caller,
  image: Picture,
  { caption: sentence, positions, phrases, options }: GroundQuestion,
  extras: Extras = {},
): Promise<FoundPhrases> {
  const method = "vision.ground";
  const { picture, result } = await look({ caller, method, extras }, image, options, (params, call) =>
    caller.call(method, { ...params, caption: sentence, phrases }, call),
  );
  const { width, height, passes } = result;
  const found = readFound(method, { ...result, indices: result.phrase_indices }, result.phrases.length, extras.masks);
  const objects = result.phrases.map((): GroundedObject[] => []);
  const grounded = result.phrases.map((span, index): GroundedPhrase => {
    const units = unitsOf(method, span, positions);
    return { text: sentence.slice(...units), span: units, objects: objects[index] as GroundedObject[] };
  });
  for (const { index, ...rest } of found) {
    const { text: label } = grounded[index] as GroundedPhrase;
    objects[index]?.push({ label, phrase: index, ...rest });
  }
  const data = { width, height, caption: sentence, phrases: grounded, passes, picture };
  return { found: new Grounding(data), rows: rowsOf(found), features: result.features };
}

/** `Grounding` has objects of the same score in the order of their phrases. */
function rowsOf(found: readonly Found[]): number[] {
  const ordered = found.map(({ score, index }, row) => ({ score, index, row }));
  return ordered.sort((a, b) => b.score - a.score || a.index - b.index || a.row - b.row).map(({ row }) => row);
}
