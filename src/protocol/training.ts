import { z } from "zod";
import { anyValue, text, uint32, uint53 } from "./fields.ts";

const positive = z.number().gt(0);

/** Annotated pictures; paths are absolute and on the worker's host. */
export const dataset = z
  .strictObject({
    /** `coco`: detection, as COCO's instances; `mdetr`: captions with token spans, as MDETR's. */
    format: z.enum(["coco", "mdetr"]),
    annotations: text,
    /** The folder that the annotations' `file_name` is relative to. */
    images: text,
    /** How often an epoch goes through it. */
    copies: uint32.min(1),
  })
  .meta({ title: "Dataset" });

/** How a category is worded in the prompt: prefix, name and suffix are joined as they are. */
const wording = z.strictObject({ prefix: text, name: text, suffix: text }).meta({ title: "Wording" });

/** What every run has. Null: what the configuration says. */
const run = {
  /** A folder; made when it is not there. */
  output: text,
  /** The model's yaml, absolute or relative to the checkout. */
  config: text,
  /** A folder with the text encoder's vocabulary; null: the uncased BERT one that the worker ships. */
  text_encoder: text.nullable(),
  /** Keys of the official configuration that differ from the yaml and from what the options say. */
  settings: z.record(text, anyValue),
  accelerate: z.array(text),
  /** Processes, each with a device of its own (on the CPU: with its share of the threads). */
  processes: uint32.min(1),
  seed: uint32.nullable(),
  /** One for each category, in the order of the data; null: the category's name. */
  wordings: z.array(wording).min(1).nullable(),
  /** Sides that pictures are resized to: short ones to choose from in training, at most `long_side`. */
  short_sides: z.array(uint32.min(1)).min(1).nullable(),
  long_side: uint32.min(1).nullable(),
  /** Processes that read pictures, for each training process. */
  readers: uint32.nullable(),
};

const training = {
  ...run,
  train: z.array(dataset).min(1),
  validation: dataset.nullable(),
  /** What to start from; null: random weights. */
  weights: text.nullable(),
  /** Go on from the output folder's last checkpoint. */
  resume: z.boolean(),
  epochs: uint32.min(1).nullable(),
  /** Pictures in a step, of all processes together. */
  batch_size: uint32.min(1).nullable(),
  learning_rate: positive.nullable(),
  language_learning_rate: positive.nullable(),
  weight_decay: z.number().min(0).nullable(),
  warmup_steps: uint32.nullable(),
  /** Parts of the run after which the learning rate drops. */
  milestones: z.array(z.number().gt(0).lt(1)).nullable(),
  /** Largest norm of the gradient. */
  clip_gradients: positive.nullable(),
  /** Decay of the averaged weights; 0: none are kept. */
  ema: z.number().min(0).lt(1).nullable(),
  mixed_precision: z.boolean().nullable(),
  gradient_checkpointing: z.boolean().nullable(),
  checkpoint_steps: uint32.min(1).nullable(),
  /** The first so many stages of the backbone stay as they are; 0: none. */
  frozen_stages: uint32.nullable(),
  /** Optional pieces of the official tree; docs/official-pieces.md says what each does. */
  pieces: z
    .strictObject({
      masked_language: z.boolean(),
      /** Region-word contrast between the pictures of a batch, on the FPN's or the backbone's features. */
      contrast: z.enum(["none", "fpn", "backbone"]),
      mask_head: z.enum(["none", "plain", "text"]),
    })
    .meta({ title: "Pieces" }),
};

const metrics = z.record(z.string(), z.number().nullable());

const start = z
  .strictObject({
    type: z.literal("start"),
    total_steps: uint53.nullable(),
    /** The complete configuration that was written. */
    config: z.string(),
    /** What runs, as one would type it. */
    command: z.array(z.string()),
  })
  .meta({ title: "StartEvent" });
const step = z
  .strictObject({
    type: z.literal("step"),
    /** Counts from 1. */
    step: uint53,
    total_steps: uint53,
    epoch: z.number(),
    /** Weighted, averaged over the processes; `total` is their sum. Null: not a finite number. */
    losses: metrics,
    learning_rate: z.number(),
    /** Of the whole step, and of it waiting for pictures. */
    seconds: z.number(),
    data_seconds: z.number(),
    /** Most device memory so far, of the first process; null on the CPU. */
    memory_bytes: uint53.nullable(),
    eta_seconds: z.number(),
  })
  .meta({ title: "StepEvent" });
const progress = z
  .strictObject({ type: z.literal("progress"), pictures: uint53, total_pictures: uint53, eta_seconds: z.number() })
  .meta({ title: "ProgressEvent" });
const evaluation = z
  .strictObject({ type: z.literal("evaluation"), step: uint53.nullable(), metrics })
  .meta({ title: "EvaluationEvent" });
const checkpoint = z
  .strictObject({ type: z.literal("checkpoint"), step: uint53.nullable(), path: z.string(), best: z.boolean() })
  .meta({ title: "CheckpointEvent" });
const log = z.strictObject({ type: z.literal("log"), text: z.string() }).meta({ title: "LogEvent" });

const event = z
  .discriminatedUnion("type", [start, step, progress, evaluation, checkpoint, log])
  .meta({ title: "TrainingEvent" });

const trained = z
  .strictObject({
    output: z.string(),
    /** The complete configuration, for `model.load` together with a checkpoint. */
    config: z.string(),
    /** The last checkpoint, and the best by validation; null when none was written. */
    checkpoint: z.string().nullable(),
    best: z.string().nullable(),
    steps: uint53,
    total_steps: uint53,
    /** `plateau`: validation did not improve any more. */
    ended: z.enum(["completed", "plateau"]),
    /** Of the last evaluation; null when there was none. */
    metrics: metrics.nullable(),
    seconds: z.number(),
  })
  .meta({ title: "Trained" });

export const trainingMethods = {
  /** Trains from a backbone's weights, or from nothing. */
  "training.pretrain": { params: z.strictObject(training), event, result: trained },
  /** Adapts a model to data of one's own. */
  "training.finetune": {
    params: z.strictObject({
      ...training,
      method: z.enum(["full", "linear_probe", "prompt_v1", "prompt_v2", "prompt_v3", "prompt_v4"]),
      /** Pictures of each category that are used; null: all. */
      shots: uint32.min(1).nullable(),
      /** Which pictures those are. */
      shot_seed: uint32,
      /** Evaluations without improvement after which the learning rate drops, and the run ends; null: neither. */
      patience: z
        .strictObject({ learning_rate: uint32.min(1), stop: uint32.min(1) })
        .meta({ title: "Patience" })
        .nullable(),
    }),
    event,
    result: trained,
  },
  /** Measures a model on annotated pictures. */
  "training.evaluate": {
    params: z.strictObject({
      ...run,
      data: dataset,
      weights: text,
      /** Pictures in a step of one process. */
      batch_size: uint32.min(1),
      /** Definitions beside the category names (GLIPKNOW); null: none. */
      knowledge: z
        .strictObject({
          /** A yaml: category to definitions. */
          file: text,
          kind: text,
          aggregation: z.enum(["first", "mean"]),
          gpt3_count: uint32,
          wiki_and_gpt3: z.boolean(),
        })
        .meta({ title: "Knowledge" })
        .nullable(),
    }),
    event,
    result: z.strictObject({
      output: z.string(),
      config: z.string(),
      /** `AP`, `AP50`, `AP75`, `APs`, `APm`, `APl`: 0 to 1; null where the data has nothing to measure. */
      metrics,
      /** AP of each category. */
      per_category: metrics,
      /** File with the predictions in COCO's result format. */
      predictions: z.string().nullable(),
      seconds: z.number(),
    }),
  },
};
