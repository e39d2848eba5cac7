import { z } from "zod";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

/** Pictures and what people tell of them, without a box: COCO's captions. `cocoCaptions` makes one. */
export interface CocoCaptionsDataset extends DatasetOptions {
  format: "coco-captions";
  /** The JSON file, e.g. `captions_train2017.json`. */
  annotations: string;
  /** The folder that the annotations' `file_name` is relative to. */
  images: string;
}

export const cocoCaptionsSchema = z.strictObject({
  format: z.literal("coco-captions"),
  annotations: path,
  images: path,
  ...mixing,
}) satisfies z.ZodType<CocoCaptionsDataset, CocoCaptionsDataset>;

/**
 * Pictures and captions: COCO's captions format. They teach `captions`; there is no box in them.
 *
 * @param annotations the JSON file, e.g. `captions_train2017.json`
 * @param images the folder that its `file_name`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here: training does that.
 */
export function cocoCaptions(
  annotations: string,
  images: string,
  options: DatasetOptions = {},
): z.output<typeof cocoCaptionsSchema> {
  return {
    format: "coco-captions",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...optionsOf(options),
  };
}
