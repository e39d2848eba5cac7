import { z } from "zod";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";

const splits = ["train", "valid", "test"] as const;
export type OdinwSplit = (typeof splits)[number];

/** One set of ODinW as it is downloaded: a folder for each split, with pictures and COCO's JSON. `odinw` makes one. */
export interface OdinwDataset extends DatasetOptions {
  format: "odinw";
  /** The set's folder, which holds `train`, `valid` and `test`. */
  folder: string;
  split: OdinwSplit;
}

const split = z.enum(splits);

export const odinwSchema = z.strictObject({
  format: z.literal("odinw"),
  folder: path,
  split,
  ...mixing,
}) satisfies z.ZodType<OdinwDataset, OdinwDataset>;

/**
 * One set of ODinW, "object detection in the wild".
 *
 * @param folder the set's folder, e.g. `Aquarium/Aquarium Combined.v2-raw-1024.coco`
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function odinw(folder: string, of: OdinwSplit, options: DatasetOptions = {}): z.output<typeof odinwSchema> {
  return {
    format: "odinw",
    folder: pathOf(folder, "folder"),
    split: checkArgument(split, of, "split"),
    ...optionsOf(options),
  };
}
