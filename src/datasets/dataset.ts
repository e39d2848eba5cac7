import { z } from "zod";
import { type CocoDataset, cocoSchema } from "./coco.ts";
import { type CocoCaptionsDataset, cocoCaptionsSchema } from "./coco-captions.ts";
import { type Flickr30kDataset, flickr30kSchema } from "./flickr30k.ts";
import { type LvisDataset, lvisSchema } from "./lvis.ts";
import { type MdetrDataset, mdetrSchema } from "./mdetr.ts";
import { type OdinwDataset, odinwSchema } from "./odinw.ts";
import { type OdvgDataset, odvgSchema } from "./odvg.ts";
import { type ScenesDataset, scenesSchema } from "./scene-folder.ts";
import { type VocDataset, vocSchema } from "./voc.ts";
import { type Vqav2Dataset, vqav2Schema } from "./vqav2.ts";
import { type YoloDataset, yoloSchema } from "./yolo.ts";

/** Annotated pictures. The function of the format's name makes one; a literal of this shape does as well. */
export type Dataset =
  | CocoDataset
  | LvisDataset
  | OdvgDataset
  | MdetrDataset
  | Flickr30kDataset
  | VocDataset
  | YoloDataset
  | OdinwDataset
  | ScenesDataset
  | CocoCaptionsDataset
  | Vqav2Dataset;

/** What the engine official reads. */
export type OfficialDataset = CocoDataset | MdetrDataset;

const formats = [
  cocoSchema,
  lvisSchema,
  odvgSchema,
  mdetrSchema,
  flickr30kSchema,
  vocSchema,
  yoloSchema,
  odinwSchema,
  scenesSchema,
  cocoCaptionsSchema,
  vqav2Schema,
] as const;

export const formatNames = formats.map(({ shape }) => shape.format.value);

/** Makes paths absolute, from the working directory of the moment. */
export const datasetSchema = z.discriminatedUnion("format", formats, {
  error: ({ code }) => (code === "invalid_union" ? `one of ${formatNames.join(", ")}` : undefined),
}) satisfies z.ZodType<Dataset, Dataset>;

/** The same for what the engine official reads; shares are of the engine native too. */
export const officialDatasetSchema = z.discriminatedUnion(
  "format",
  [cocoSchema.omit({ share: true }).strict(), mdetrSchema.omit({ share: true }).strict()],
  {
    error: ({ code }) =>
      code === "invalid_union" ? `one of "coco"|"mdetr" (the engine native reads more)` : undefined,
  },
) satisfies z.ZodType<OfficialDataset, OfficialDataset>;

export type CheckedDataset = z.output<typeof datasetSchema>;
