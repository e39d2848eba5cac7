import { z } from "zod";
import { text, uint32 } from "./fields.ts";

/** What every source of annotated pictures has. Paths are absolute and on the worker's host. */
const mixed = {
  /** How often an epoch goes through it. */
  copies: uint32.min(1),
  /** Part of the drawn pictures that are its own, relative to the other sources' shares; null: by pictures × copies. */
  share: z.number().gt(0).nullable(),
};

const file = text.min(1);
const split = (...names: [string, ...string[]]) => z.enum(names);

/** COCO's instances and captions, LVIS's instances, MDETR's captions: one JSON file, and the folder its `file_name`s count from. */
const listed = { annotations: file, images: file, ...mixed };

export const sources = {
  coco: z.strictObject({ format: z.literal("coco"), ...listed }).meta({ title: "CocoSource" }),
  lvis: z.strictObject({ format: z.literal("lvis"), ...listed }).meta({ title: "LvisSource" }),
  mdetr: z.strictObject({ format: z.literal("mdetr"), ...listed }).meta({ title: "MdetrSource" }),
  /** Detection and grounding, one JSON object a line. */
  odvg: z
    .strictObject({
      format: z.literal("odvg"),
      ...listed,
      /** JSON: label to name; null: the lines' own names. */
      labels: file.nullable(),
    })
    .meta({ title: "OdvgSource" }),
  flickr30k: z
    .strictObject({
      format: z.literal("flickr30k"),
      images: file,
      /** The folder with `Annotations/` and `Sentences/`. */
      entities: file,
      /** A file with the ids of the pictures, one a line; null: all. */
      split: file.nullable(),
      ...mixed,
    })
    .meta({ title: "Flickr30kSource" }),
  voc: z
    .strictObject({
      format: z.literal("voc"),
      images: file,
      /** The folder of XML files. */
      annotations: file,
      /** A file with the names of the pictures, one a line; null: all. */
      split: file.nullable(),
      ...mixed,
    })
    .meta({ title: "VocSource" }),
  yolo: z
    .strictObject({
      format: z.literal("yolo"),
      /** The `data.yaml`. */
      file,
      split: split("train", "val", "test"),
      ...mixed,
    })
    .meta({ title: "YoloSource" }),
  odinw: z
    .strictObject({
      format: z.literal("odinw"),
      /** One set's, with a folder for each split. */
      folder: file,
      split: split("train", "valid", "test"),
      ...mixed,
    })
    .meta({ title: "OdinwSource" }),
  /** One split of what `glip scenes` writes. */
  scenes: z.strictObject({ format: z.literal("scenes"), folder: file, ...mixed }).meta({ title: "ScenesSource" }),
  "coco-captions": z
    .strictObject({ format: z.literal("coco-captions"), ...listed })
    .meta({ title: "CocoCaptionsSource" }),
  vqav2: z
    .strictObject({
      format: z.literal("vqav2"),
      /** JSON of the questions, and of the answers to them. */
      questions: file,
      annotations: file,
      /** The folder of the pictures, or of a folder for each split. */
      images: file,
      /** Size of the vocabulary: the most frequent answers. */
      answers: uint32.min(1),
      ...mixed,
    })
    .meta({ title: "Vqav2Source" }),
};

/** Annotated pictures, in any format that the native engine reads. */
export const source = z
  .discriminatedUnion("format", [
    sources.coco,
    sources.lvis,
    sources.odvg,
    sources.mdetr,
    sources.flickr30k,
    sources.voc,
    sources.yolo,
    sources.odinw,
    sources.scenes,
    sources["coco-captions"],
    sources.vqav2,
  ])
  .meta({ title: "Source" });

export type Source = z.output<typeof source>;
