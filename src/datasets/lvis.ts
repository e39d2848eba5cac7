import { z } from "zod";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

/** Pictures with boxes (and masks) of many categories, not all of them annotated everywhere. `lvis` makes one. */
export interface LvisDataset extends DatasetOptions {
  format: "lvis";
  /** The JSON file. */
  annotations: string;
  /** The folder that holds COCO's `train2017` and `val2017`. */
  images: string;
}

export const lvisSchema = z.strictObject({
  format: z.literal("lvis"),
  annotations: path,
  images: path,
  ...mixing,
}) satisfies z.ZodType<LvisDataset, LvisDataset>;

/**
 * LVIS's instances: what a picture is not known to lack (`neg_category_ids`) is not asked for as absent.
 *
 * @param annotations the JSON file
 * @param images the folder with COCO's pictures, to which each `coco_url` leads
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function lvis(annotations: string, images: string, options: DatasetOptions = {}): z.output<typeof lvisSchema> {
  return {
    format: "lvis",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...optionsOf(options),
  };
}
