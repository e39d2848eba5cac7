import { z } from "zod";
import { text, uint32, uint53 } from "./fields.ts";
import { runMetrics } from "./run-events.ts";

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

/** A picture that is not measured, and why. */
const pictureProblem = z
  .strictObject({
    kind: z.enum(["missing_picture", "unreadable_picture", "wrong_size", "unusable_text"]),
    /** Its file. */
    where: z.string(),
    reason: z.string(),
  })
  .meta({ title: "PictureProblem" });

const benchmarkEvents = [
  z
    .strictObject({
      type: z.literal("start"),
      /** Pictures that will have been asked about, and those whose predictions were there already. */
      total: uint53,
      done: uint53,
      output: z.string(),
    })
    .meta({ title: "BenchmarkStart" }),
  z
    .strictObject({
      type: z.literal("progress"),
      done: uint53,
      total: uint53,
      /** At work, since the run began or went on. */
      seconds: z.number(),
      eta_seconds: z.number(),
    })
    .meta({ title: "BenchmarkProgress" }),
  z.strictObject({ type: z.literal("problem"), ...pictureProblem.shape }).meta({ title: "BenchmarkProblem" }),
  /** All pictures were asked about. */
  z.strictObject({ type: z.literal("scoring"), pictures: uint53 }).meta({ title: "BenchmarkScoring" }),
] as const;

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

  /** Measures the loaded model by a benchmark of the field. */
  "evaluate.benchmark": {
    params: z.strictObject({
      benchmark: text.min(1),
      /** Absolute paths on the worker's host. */
      data: z
        .discriminatedUnion("type", [
          /** The official layout below one folder. */
          z.strictObject({ type: z.literal("root"), folder: text.min(1) }).meta({ title: "BenchmarkRoot" }),
          /** A set of the user's own, in the benchmark's form. */
          z
            .strictObject({ type: z.literal("files"), annotations: text.min(1), images: text.min(1) })
            .meta({ title: "BenchmarkFiles" }),
        ])
        .meta({ title: "BenchmarkData" }),
      /** The run's folder: `run.json`, `predictions.jsonl` (a line a picture), `result.json`. */
      output: text.min(1),
      /** Goes on with the run in `output`, if there is one. */
      resume: z.boolean(),
      /** The first so many; null: all. */
      pictures: uint32.min(1).nullable(),
      /** What pictures that cannot be read do at the end. */
      problems: z.enum(["fail", "skip"]),
      /** The masks are measured too. */
      masks: z.boolean(),
      /** Of a benchmark that is many sets: these, by the benchmark's names; null: all. */
      sets: z.array(text.min(1)).min(1).nullable(),
      /** A tuned prompt of `model.prompts`, for a benchmark of its categories; null: none. */
      prompt: text.nullable(),
    }),
    event: z.discriminatedUnion("type", benchmarkEvents).meta({ title: "BenchmarkEvent" }),
    result: z.strictObject({
      benchmark: z.string(),
      /** That were measured, and those that were not. */
      pictures: uint53,
      problems: z.array(pictureProblem),
      /** By the field's names, with what is measured before them: `box.AP50`; null: nothing to measure. */
      metrics: runMetrics,
      /** The same of each category, set or type, by the kind of part. */
      parts: z.record(z.string(), z.record(z.string(), runMetrics)),
      /** Of figures that could not be taken, or not as the published ones are: why, and what to do. */
      notes: z.record(z.string(), z.string()),
      predictions: z.string(),
      output: z.string(),
      seconds: z.number(),
    }),
  },
};
