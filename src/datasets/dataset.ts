import { resolve } from "node:path";
import { z } from "zod";
import { text, uint32 } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";

/** Annotated pictures. `coco` and `mdetr` make one; a literal of this shape does as well. */
export interface Dataset {
  /** `coco`: boxes with categories, as COCO's instances; `mdetr`: captions with token spans, as MDETR's. */
  format: "coco" | "mdetr";
  /** The JSON file. */
  annotations: string;
  /** The folder that the annotations' `file_name` is relative to. */
  images: string;
  /** How often an epoch goes through it. @default 1 */
  copies?: number | undefined;
}

export interface DatasetOptions {
  /**
   * How often an epoch goes through it. The paper's few-shot recipe takes 8 copies of 1 shot, 4 of 3, 2 of 5, 1 of 10.
   * @default 1
   */
  copies?: number | undefined;
}

const path = text.min(1).transform((file) => resolve(file));

/** Makes paths absolute, from the working directory of the moment. */
export const datasetSchema = z.strictObject({
  format: z.enum(["coco", "mdetr"]),
  annotations: path,
  images: path,
  copies: uint32.min(1).default(1),
}) satisfies z.ZodType<Required<Dataset>, Dataset>;

/**
 * Pictures with boxes and categories: COCO's instances format.
 *
 * @param annotations the JSON file; a relative path counts from the working directory
 * @param images the folder that its `file_name`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here: training and evaluation do that.
 */
export function coco(annotations: string, images: string, options: DatasetOptions = {}): Required<Dataset> {
  return describe("coco", annotations, images, options);
}

/**
 * Pictures with captions and the spans of their phrases: MDETR's format (`tokens_positive`).
 *
 * @param annotations the JSON file; a relative path counts from the working directory
 * @param images the folder that its `file_name`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here: training and evaluation do that.
 */
export function mdetr(annotations: string, images: string, options: DatasetOptions = {}): Required<Dataset> {
  return describe("mdetr", annotations, images, options);
}

const options = z.strictObject({ copies: uint32.min(1).default(1) });

function describe(format: Dataset["format"], annotations: string, images: string, given: DatasetOptions) {
  return {
    format,
    annotations: checkArgument(path, annotations, "annotations"),
    images: checkArgument(path, images, "images"),
    copies: checkArgument(options, given, "options").copies,
  };
}
