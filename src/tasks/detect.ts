import { z } from "zod";
import type { ImageInput } from "../images/source.ts";
import { text } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import type { Caller } from "./caller.ts";
import { readFound } from "./found.ts";
import { look, type LookOptions, lookOptions } from "./look.ts";
import { Detections } from "./results/detections.ts";

export type DetectOptions = LookOptions;

const optionsSchema = z.strictObject(lookOptions) satisfies z.ZodType<unknown, DetectOptions>;

const categoriesSchema = z
  .array(text.refine((name) => name.trim() !== "", "a name"))
  .min(1, "at least one category")
  .superRefine((names, context) => {
    const seen = new Map<string, number>();
    for (const [index, name] of names.entries()) {
      const first = seen.get(name);
      if (first !== undefined)
        context.addIssue({ code: "custom", path: [index], message: `another name than that of categories[${first}]` });
      seen.set(name, index);
    }
  });

/** Finds objects of the named categories: any words, not a fixed list. For `Glip.detect`. */
export async function detect(
  caller: Caller,
  image: ImageInput,
  categories: readonly string[],
  options: DetectOptions = {},
): Promise<Detections> {
  const method = "vision.detect";
  const names = checkArgument(categoriesSchema, categories, "categories");
  const checked = checkArgument(optionsSchema, options, "options");
  const { picture, result } = await look({ caller, method }, image, checked, (params, call) =>
    caller.call(method, { ...params, categories: names, thresholds: null }, call),
  );
  const { width, height, boxes, scores } = result;
  const objects = readFound(method, { boxes, scores, indices: result.categories }, names.length).map(
    ({ box, score, index }) => ({ label: names[index] as string, category: index, score, box }),
  );
  return new Detections({ width, height, categories: names, objects, picture });
}
