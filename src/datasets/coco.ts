import { z } from "zod";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

/** Pictures with boxes (and masks) of categories: COCO's instances. `coco` makes one. */
export interface CocoDataset extends DatasetOptions {
  format: "coco";
  /** The JSON file. */
  annotations: string;
  /** The folder that the annotations' `file_name` is relative to. */
  images: string;
}

export const cocoSchema = z.strictObject({
  format: z.literal("coco"),
  annotations: path,
  images: path,
  ...mixing,
}) satisfies z.ZodType<CocoDataset, CocoDataset>;

/**
 * Pictures with boxes and categories: COCO's instances format.
 *
 * @param annotations the JSON file; a relative path counts from the working directory
 * @param images the folder that its `file_name`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here: training and evaluation do that.
 */
export function coco(annotations: string, images: string, options: DatasetOptions = {}): z.output<typeof cocoSchema> {
  return {
    format: "coco",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...optionsOf(options),
  };
}
