import { z } from "zod";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

const splits = ["train", "val", "test"] as const;
export type YoloSplit = (typeof splits)[number];

/** Pictures with a text file of boxes each: YOLO's format. `yolo` makes one. */
export interface YoloDataset extends DatasetOptions {
  format: "yolo";
  /** The `data.yaml`, which says where the pictures are and what the categories are called. */
  file: string;
  split: YoloSplit;
}

const split = z.enum(splits);

export const yoloSchema = z.strictObject({
  format: z.literal("yolo"),
  file: path,
  split,
  ...mixing,
}) satisfies z.ZodType<YoloDataset, YoloDataset>;

/**
 * YOLO's format: `images/` and `labels/` side by side.
 *
 * @param file the `data.yaml`
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function yolo(file: string, of: YoloSplit, options: DatasetOptions = {}): z.output<typeof yoloSchema> {
  return {
    format: "yolo",
    file: pathOf(file, "file"),
    split: checkArgument(split, of, "split"),
    ...optionsOf(options),
  };
}
