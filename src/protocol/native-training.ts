import { z } from "zod";
import { anyValue, text, uint32, uint53 } from "./fields.ts";
import { runEvent, runResult } from "./run-events.ts";
import { source } from "./sources.ts";

const count = uint32.min(1);
const positive = z.number().gt(0);
const weight = z.number().min(0);
const part = z.number().min(0).max(1);
const sources = z.array(source).min(1);

/** What is trained, and what it starts from. */
const model = {
  /** `auto`: what the weights say; a name; a JSON file; or the configuration itself. */
  config: z.union([text, z.record(text, anyValue)]),
  /** Null: random weights. */
  weights: text.nullable(),
  /** Keys of the configuration that differ from `config`, as in `model.load`. */
  settings: z.record(text, anyValue),
  method: z.enum(["full", "linear_probe", "prompt"]),
  /** Parts that stay as they are, and how much of the backbone does: 1 its patches, n more also its first n - 1 stages. */
  freeze: z.array(z.enum(["backbone", "text", "head"])),
  frozen_stages: uint32.nullable(),
};

const data = {
  train: sources,
  validation: source.nullable(),
  /** What is done about annotations that are wrong: nothing is trained, or they are left out. */
  problems: z.enum(["fail", "drop"]),
  /** Pictures of each category that are used; null: all. */
  shots: count.nullable(),
  /** Which those are. */
  shot_seed: uint32.nullable(),
  /** What the model was trained on before, so that it does not forget its open vocabulary. */
  replay: z
    .strictObject({
      sources,
      /** Part of the pictures that come from them. */
      share: z.number().gt(0).lt(1),
      /** What it must not forget: measured before the first step, and with every evaluation. */
      validation: source.nullable(),
    })
    .meta({ title: "RunReplay" })
    .nullable(),
  /** How texts are made. */
  asking: z
    .strictObject({
      /** Part of the steps that ask for all categories at once; the others ask for 1 to `names`. */
      full: part.nullable(),
      names: count.nullable(),
      /** Of so many steps one asks for what sentences speak of, where pictures have both; 0: none. */
      sentences_every: uint32.nullable(),
      /** Part of the steps that ask questions, and of those that tell captions. */
      questions: part.nullable(),
      captions: part.nullable(),
    })
    .meta({ title: "RunAsking" }),
  augment: z
    .strictObject({
      /** How often left and right change places; never where the text speaks of them. */
      flip: part.nullable(),
      /** How often a picture is moved and scaled; never where the text speaks of places. */
      move: part.nullable(),
      /** Most that it is scaled by then. */
      zoom: z.number().min(1).nullable(),
      /** Most that brightness, contrast and saturation are changed by; 0: not at all. */
      jitter: z.number().min(0).lt(1).nullable(),
    })
    .meta({ title: "RunAugment" }),
  /** Sides that pictures are resized to, short ones to choose from, in pixels; null: the configuration's. */
  short_sides: z.array(count).min(1).nullable(),
  long_side: count.nullable(),
  /** Threads that read pictures, for each process. */
  readers: count.nullable(),
};

const optimisation = {
  /** At most one of the two is said. */
  steps: count.nullable(),
  epochs: positive.nullable(),
  /** Pictures in a step, of all processes and of all its accumulated parts together. */
  batch_size: count.nullable(),
  /** Parts that a step's pictures are computed in, one after the other. */
  accumulation: count.nullable(),
  learning_rate: positive.nullable(),
  /** Of the text encoder. */
  language_learning_rate: positive.nullable(),
  /** By which the backbone's learning rate is multiplied. */
  backbone_factor: weight.nullable(),
  weight_decay: weight.nullable(),
  /** Steps in which the learning rate rises to its full height. */
  warmup_steps: uint32.nullable(),
  schedule: z.enum(["cosine", "steps", "constant"]).nullable(),
  /** Of `steps`: parts of the run after which the learning rate drops to a tenth. */
  milestones: z.array(z.number().gt(0).lt(1)).nullable(),
  /** Evaluations without improvement after which the learning rate drops, and the run ends; null: neither. */
  patience: z.strictObject({ learning_rate: count, stop: count }).meta({ title: "RunPatience" }).nullable(),
  /** Largest norm of the gradient; 0: any. */
  clip_gradients: weight.nullable(),
  /** Decay of the averaged weights; 0: none are kept. */
  ema: z.number().min(0).lt(1).nullable(),
  precision: z.enum(["float32", "bfloat16", "float16"]).nullable(),
  gradient_checkpointing: z.boolean().nullable(),
  /** Weights of the losses; 0: it is not computed. */
  losses: z
    .strictObject({
      grounding: weight.nullable(),
      inter: weight.nullable(),
      mlm: weight.nullable(),
      masks: weight.nullable(),
      answers: weight.nullable(),
      captions: weight.nullable(),
    })
    .meta({ title: "RunLosses" }),
  seed: uint32.nullable(),
};

const running = {
  kind: z.enum(["pretrain", "finetune"]),
  /** The run's folder; made when it is not there. */
  output: text,
  /** Go on from the folder's last checkpoint. */
  resume: z.boolean(),
  /** The run outlives the worker: the call ends with the run's `start`. */
  detached: z.boolean(),
  /** Steps between two checkpoints, and how many of the last are kept (beside the best). */
  checkpoint_steps: count.nullable(),
  keep_checkpoints: count.nullable(),
  /** Steps between two evaluations. */
  evaluate_steps: count.nullable(),
  /** Whether the model is measured before the first step too. */
  evaluate_before: z.boolean(),
  /** Pictures of each evaluation that are reported with what the model sees. */
  sample_pictures: uint32.nullable(),
  /** `cpu`, `cuda`, `cuda:N`; null: the worker's. */
  device: text.nullable(),
  /** Processes on this host, each with a device of its own (on the CPU: with its share of the threads). */
  processes: count,
  /** One of several hosts that train together; null: this one alone. */
  nodes: z
    .strictObject({
      count,
      /** Of this host, from 0. */
      rank: uint32,
      rendezvous: z.enum(["static", "c10d"]),
      /** `host:port`, the same on every host. */
      endpoint: text,
    })
    .meta({ title: "RunNodes" })
    .nullable(),
};

const problem = z
  .strictObject({
    /** E.g. `missing_picture`, `box_outside`. */
    kind: z.string(),
    count: uint53,
    /** The first few. */
    examples: z.array(z.strictObject({ where: z.string(), reason: z.string() }).meta({ title: "DataProblemExample" })),
  })
  .meta({ title: "DataProblem" });

export const nativeTraining = {
  /**
   * Pre-trains or fine-tunes in a process of its own, which `RUN_DIR/config.json` tells the same as these parameters. Null:
   * the default of glipv2.training.options.
   */
  "training.run": {
    params: z.strictObject({ ...running, ...model, ...data, ...optimisation }),
    event: runEvent,
    result: runResult,
  },
  /** Reads annotations and says all that is wrong with them. */
  "data.check": {
    params: z.strictObject({
      sources,
      /** Whether each picture is opened, too. */
      open_pictures: z.boolean(),
    }),
    result: z.strictObject({
      /** One for each source, in their order. */
      sources: z.array(
        z
          .strictObject({
            pictures: uint53,
            boxes: uint53,
            phrases: uint53,
            questions: uint53,
            /** What pictures are told as; sentences whose phrases have boxes are none. */
            captions: uint53,
            /** Names of the categories; empty for captions. */
            categories: z.array(z.string()),
            problems: z.array(problem),
            /** sha256 of the annotations, hex. */
            fingerprint: z.string(),
          })
          .meta({ title: "CheckedSource" }),
      ),
    }),
  },
  /** Loads tuned prompts beside the model, for `vision.detect` to choose from; those of an earlier call are forgotten. */
  "model.prompts": {
    params: z.strictObject({
      /** Name to file. */
      prompts: z.record(text, text),
    }),
    result: z.strictObject({
      /** Name to the categories that each is tied to. */
      prompts: z.record(z.string(), z.array(z.string())),
    }),
  },
};
