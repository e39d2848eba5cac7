import { z } from "zod";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, path, pathOf } from "./mixing.ts";

export interface VocOptions extends DatasetOptions {
  /** File with the pictures' names, one a line, e.g. `ImageSets/Main/train.txt`. @default all pictures */
  split?: string | undefined;
}

/** Pictures with an XML file of boxes each: PASCAL VOC. `voc` makes one. */
export interface VocDataset extends VocOptions {
  format: "voc";
  /** The folder of XML files. */
  annotations: string;
  /** The folder of pictures. */
  images: string;
}

const more = { ...mixing, split: path.optional() };

export const vocSchema = z.strictObject({
  format: z.literal("voc"),
  annotations: path,
  images: path,
  ...more,
}) satisfies z.ZodType<VocDataset, VocDataset>;

/**
 * PASCAL VOC.
 *
 * @param annotations the folder of XML files, `Annotations/`
 * @param images the folder of pictures, `JPEGImages/`
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function voc(annotations: string, images: string, options: VocOptions = {}): z.output<typeof vocSchema> {
  return {
    format: "voc",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...checkArgument(z.strictObject(more), options, "options"),
  };
}
