import { z } from "zod";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, path, pathOf } from "./mixing.ts";

export interface OdvgOptions extends DatasetOptions {
  /** JSON file: label to name, of detection lines that have labels alone. @default the lines' own names */
  labels?: string | undefined;
}

/** Pictures with boxes of categories, or with captions and phrases, one JSON object a line. `odvg` makes one. */
export interface OdvgDataset extends OdvgOptions {
  format: "odvg";
  /** The JSONL file. */
  annotations: string;
  /** The folder that each line's `filename` is relative to. */
  images: string;
}

const more = { ...mixing, labels: path.optional() };

export const odvgSchema = z.strictObject({
  format: z.literal("odvg"),
  annotations: path,
  images: path,
  ...more,
}) satisfies z.ZodType<OdvgDataset, OdvgDataset>;

/**
 * Detection (`detection.instances`) and grounding (`grounding.caption`, `grounding.regions`) in ODVG's lines.
 *
 * @param annotations the JSONL file
 * @param images the folder that its `filename`s are relative to
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function odvg(annotations: string, images: string, options: OdvgOptions = {}): z.output<typeof odvgSchema> {
  return {
    format: "odvg",
    annotations: pathOf(annotations, "annotations"),
    images: pathOf(images, "images"),
    ...checkArgument(z.strictObject(more), options, "options"),
  };
}
