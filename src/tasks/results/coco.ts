import { z } from "zod";
import { GlipError } from "../../errors.ts";
import type { Box } from "../../images/annotation.ts";
import type { Mask } from "../../images/mask.ts";
import type { RunLengths } from "../../images/rle.ts";
import { checkArgument } from "../../protocol/validate.ts";

export interface CocoOptions {
  /** The picture's id in the annotations that the results are compared with. */
  imageId: number | string;
  /**
   * The ids of the categories (of the phrases) in those annotations: by name, or one for each in their order.
   * @default 1, 2, 3, … in the order in which they were asked for
   */
  categoryIds?: Readonly<Record<string, number>> | readonly number[] | undefined;
}

/** An object in COCO's form of results. */
export interface CocoResult {
  image_id: number | string;
  category_id: number;
  /** `[x, y, width, height]` in pixels of the upright picture. */
  bbox: [x: number, y: number, width: number, height: number];
  score: number;
  /** Of objects with a mask. */
  segmentation?: RunLengths;
}

const id = z.int();
const schema = z.strictObject({
  imageId: z.union([id, z.string().min(1)], "an integer or a text"),
  categoryIds: z.union([z.array(id), z.record(z.string(), id)], "integers, by name or in order").optional(),
}) satisfies z.ZodType<unknown, CocoOptions>;

/** @param objects `index` is that of the object's name in `names` */
export function cocoResults(
  objects: readonly { index: number; score: number; box: Box; mask: Mask | undefined }[],
  names: readonly string[],
  options: CocoOptions,
): CocoResult[] {
  const { imageId, categoryIds } = checkArgument(schema, options, "options");
  const ids = names.map((name, index) => {
    if (categoryIds === undefined) return index + 1;
    if (Array.isArray(categoryIds)) return categoryIds[index];
    return Object.hasOwn(categoryIds, name) ? categoryIds[name] : undefined;
  });
  const missing = ids.indexOf(undefined);
  if (missing !== -1) {
    const details = { path: "options.categoryIds", expected: `an id for ${JSON.stringify(names[missing])}` };
    const text = `${details.path}: expected ${details.expected}, got none`;
    throw new GlipError("invalid_argument", text, { ...details, received: "none" });
  }
  return objects.map(({ index, score, box: [x1, y1, x2, y2], mask }) => ({
    image_id: imageId,
    category_id: ids[index] as number,
    bbox: [x1, y1, x2 - x1, y2 - y1],
    score,
    ...(mask && { segmentation: mask.toJSON() }),
  }));
}
