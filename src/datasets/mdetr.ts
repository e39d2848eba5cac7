import { z } from "zod";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

/** Pictures with captions and the spans of their phrases (`tokens_positive`): MDETR's format. `mdetr` makes one. */
export interface MdetrDataset extends DatasetOptions {
  format: "mdetr";
  /** The JSON file. */
  annotations: string;
  /** The folder that the annotations' `file_name` is relative to. */
  images: string;
}

export const mdetrSchema = z.strictObject({
  format: z.literal("mdetr"),
  annotations: path,
  images: path,
  ...mixing,
}) satisfies z.ZodType<MdetrDataset, MdetrDataset>;

/**
 * Pictures with captions and the spans of their phrases: MDETR's format (`tokens_positive`).
 *
 * @param annotations the JSON file; a relative path counts from the working directory
 * @param images the folder that its `file_name`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here: training and evaluation do that.
 */
export function mdetr(annotations: string, images: string, options: DatasetOptions = {}): z.output<typeof mdetrSchema> {
  return {
    format: "mdetr",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...optionsOf(options),
  };
}
