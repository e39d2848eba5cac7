import { z } from "zod";
import { text } from "../protocol/fields.ts";
import type { Result } from "../protocol/methods.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import { readFound } from "./found.ts";
import type { Picture } from "./held.ts";
import { type Extras, look, type LookOptions, lookOptions, score } from "./look.ts";
import { type DetectedObject, Detections, type Masked } from "./results/detections.ts";
import { thresholdsOf } from "./thresholds.ts";

export interface DetectOptions extends LookOptions {
  /** Categories that have a threshold of their own; the others have `threshold`: `{ dog: 0.3 }`. @default {} */
  thresholds?: Readonly<Record<string, number>> | undefined;
  /** A tuned prompt by the name that `usePrompts` gave it; its categories are the ones to ask for. @default none */
  prompt?: string | undefined;
}

const optionsSchema = z.strictObject({
  ...lookOptions,
  thresholds: z.record(z.string(), score).optional(),
  prompt: text.min(1).optional(),
}) satisfies z.ZodType<unknown, DetectOptions>;
type CheckedDetect = z.output<typeof optionsSchema>;

const categoriesSchema = (at: string) =>
  z
    .array(text.refine((name) => name.trim() !== "", "a name"))
    .min(1, "at least one category")
    .superRefine((names, context) => {
      const seen = new Map<string, number>();
      for (const [index, name] of names.entries()) {
        const first = seen.get(name);
        if (first !== undefined)
          context.addIssue({ code: "custom", path: [index], message: `another name than that of ${at}[${first}]` });
        seen.set(name, index);
      }
    });

/** What is asked of the worker, checked. */
export interface DetectQuestion {
  categories: string[];
  /** One for each category; null: the same for all. */
  thresholds: number[] | null;
  options: CheckedDetect;
}

/**
 * @param path how the caller knows the categories
 * @throws GlipError `invalid_argument`
 */
export function checkDetect(
  categories: readonly string[],
  options: DetectOptions,
  path = "categories",
): DetectQuestion {
  const names = checkArgument(categoriesSchema(path), categories, path);
  const checked = checkArgument(optionsSchema, options, "options");
  return { categories: names, thresholds: thresholdsOf(names, checked), options: checked };
}

/** Finds objects of the named categories: any words, not a fixed list. For `Glip.detect`. */
export async function detect(
  caller: Caller,
  image: Picture,
  categories: readonly string[],
  options: DetectOptions = {},
): Promise<Detections> {
  return (await findCategories(caller, image, checkDetect(categories, options))).found;
}

interface FoundCategories<Object extends DetectedObject = DetectedObject> {
  found: Detections<Object>;
  features: Result<"vision.detect">["features"];
}

/** @param extras what the worker is to give besides */
export async function findCategories(
  caller: Caller,
  image: Picture,
  question: DetectQuestion,
  extras: Extras & { masks: true },
): Promise<FoundCategories<Masked<DetectedObject>>>;
export async function findCategories(
  caller: Caller,
  image: Picture,
  question: DetectQuestion,
  extras?: Extras,
): Promise<FoundCategories>;
export async function findCategories(
  caller: Caller,
  image: Picture,
  { categories, thresholds, options }: DetectQuestion,
  extras: Extras = {},
): Promise<FoundCategories> {
  const method = "vision.detect";
  const { picture, result } = await look({ caller, method, extras }, image, options, (params, call) =>
    caller.call(method, { ...params, categories, thresholds, prompt: options.prompt ?? null }, call),
  );
  const { width, height, passes } = result;
  const found = readFound(method, { ...result, indices: result.categories }, categories.length, extras.masks);
  const objects = found.map(({ index, ...rest }) => ({ label: categories[index] as string, category: index, ...rest }));
  return { found: new Detections({ width, height, categories, objects, passes, picture }), features: result.features };
}
