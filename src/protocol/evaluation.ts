import { z } from "zod";
import { text, uint32, uint53 } from "./fields.ts";

const part = z.number().min(0).max(1);
/** Null where the pictures have nothing to measure. */
const precision = part.nullable();

const average = {
  ap: precision,
  ap50: precision,
  ap75: precision,
  ap_small: precision,
  ap_medium: precision,
  ap_large: precision,
};
const boxes = z.strictObject({ type: z.literal("detect"), ...average }).meta({ title: "BoxMetrics" });
const phrases = z
  .strictObject({
    type: z.literal("ground"),
    recall_at_1: part,
    /** The recall of who knows every box and always says the largest, and the mean one of who says any. */
    largest_object: part,
    any_object: part,
  })
  .meta({ title: "PhraseMetrics" });
const masks = z
  .strictObject({
    type: z.literal("segment"),
    ...average,
    /** Of phrases, each with all of its objects together. */
    mean_iou: part,
    /** The same for who knows the boxes, and takes them for the masks. */
    filled_boxes: part,
  })
  .meta({ title: "MaskMetrics" });

const answers = z
  .strictObject({
    type: z.literal("answer"),
    accuracy: part,
    /** The accuracy of who gives each type's commonest answer. */
    majority: part,
    questions: uint53,
    types: z.array(
      z
        .strictObject({ type: z.string(), accuracy: part, majority: part, questions: uint53 })
        .meta({ title: "AnswerTypeMetrics" }),
    ),
  })
  .meta({ title: "AnswerMetrics" });
const captions = z
  .strictObject({
    type: z.literal("caption"),
    /** CIDEr-D, and that of who tells every picture by the split's commonest caption. */
    cider: z.number().min(0),
    one_caption: z.number().min(0),
    /** The part of what captions state that is true of the scene, and how much one states. */
    facts: part,
    stated: z.number().min(0),
    /**
     * Of the captions' phrases that are true of the scene, the part whose best box is an object that may be meant; null
     * where no phrase is true.
     */
    recall_at_1: precision,
    kinds: z.array(
      z.strictObject({ kind: z.string(), true_part: part, stated: uint53 }).meta({ title: "FactMetrics" }),
    ),
  })
  .meta({ title: "CaptionMetrics" });

export const evaluation = {
  /** Measures the loaded model on a split of the scenes. */
  "evaluate.scenes": {
    params: z.strictObject({
      /** What `glip scenes` wrote of one split; absolute, and on the worker's host. */
      folder: text,
      /**
       * `detect`: all categories of the split, in each picture. `ground`: its sentences. `segment`: both, as masks.
       * `answer`: its questions.
       */
      task: z.enum(["detect", "ground", "segment", "answer", "caption"]),
      /** The first so many; null: all. */
      pictures: uint32.min(1).nullable(),
    }),
    event: z.strictObject({
      /** Pictures that were looked at, and that will have been. */
      done: uint53,
      total: uint53,
    }),
    result: z.strictObject({
      /** The folder's name. */
      split: z.string(),
      pictures: uint53,
      metrics: z.discriminatedUnion("type", [boxes, phrases, masks, answers, captions]),
      seconds: z.number(),
    }),
  },
};
