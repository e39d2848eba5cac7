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
  /** Parts that stay as they are, and how many of the backbone's stages do from the first on. */
  freeze: z.array(z.enum(["backbone", "text", "head"])),
  frozen_stages: uint32,
};

const data = {
  train: sources,
  validation: source.nullable(),
  /** What is done about annotations that are wrong: nothing is trained, or they are left out. */
  problems: z.enum(["fail", "drop"]),
  /** Pictures of each category that are used; null: all. */
  shots: count.nullable(),
  /** Which those are. */
  shot_seed: uint32,
  /** What the model was pre-trained on, and the part of the pictures that come from it, to keep the open vocabulary. */
  replay: z
    .strictObject({ sources, share: z.number().gt(0).lt(1) })
    .meta({ title: "Replay" })
    .nullable(),
  /** How lists of categories become texts. */
  texts: z
    .strictObject({
      /** Part of the lists that hold every category; the others hold up to `most_names`, the picture's among them. */
      full_lists: part,
      most_names: count,
    })
    .meta({ title: "Texts" }),
  augment: z
    .strictObject({
      /** How probable it is that left and right change places; never where the text speaks of them. */
      flip: part,
      /** How probable it is that a picture is scaled and shifted; never where the text speaks of places. */
      move: part,
      /** Largest change of brightness, contrast and saturation; 0: none. */
      colour: part,
    })
    .meta({ title: "Augment" }),
  /** Sides that pictures are resized to, short ones to choose from, in pixels; null: the configuration's. */
  short_sides: z.array(count).min(1).nullable(),
  long_side: count.nullable(),
  /** Threads that read pictures, for each process. */
  readers: count,
};

const optimisation = {
  /** One of the two is null. */
  steps: count.nullable(),
  epochs: count.nullable(),
  /** Pictures in a step, of all processes and of all its accumulated parts together. */
  batch_size: count,
  /** Parts that a step's pictures are computed in, one after the other. */
  accumulation: count,
  learning_rate: positive,
  /** Of the text encoder; null: as `learning_rate`. */
  language_learning_rate: positive.nullable(),
  /** By which the backbone's learning rate is multiplied. */
  backbone_factor: positive,
  weight_decay: weight,
  /** Steps in which the learning rate rises to its full height. */
  warmup_steps: uint32,
  schedule: z.enum(["cosine", "steps", "constant"]),
  /** Of `steps`: parts of the run after which the learning rate drops to a tenth. */
  milestones: z.array(z.number().gt(0).lt(1)),
  /** Evaluations without improvement after which the learning rate drops, and the run ends; null: neither. */
  patience: z.strictObject({ learning_rate: count, stop: count }).meta({ title: "RunPatience" }).nullable(),
  /** Largest norm of the gradient; null: any. */
  clip_gradients: positive.nullable(),
  /** Decay of the averaged weights; 0: none are kept. */
  ema: z.number().min(0).lt(1),
  precision: z.enum(["float32", "bfloat16", "float16"]),
  gradient_checkpointing: z.boolean(),
  /** Weights of the three losses; 0: it is not computed. */
  losses: z.strictObject({ grounding: weight, inter: weight, mlm: weight }).meta({ title: "LossWeights" }),
  seed: uint32,
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
  checkpoint_steps: count,
  keep_checkpoints: count,
  /** Steps between two evaluations; null: one at the end. */
  evaluate_steps: count.nullable(),
  /** Whether the model is measured before the first step too. */
  evaluate_before: z.boolean(),
  /** Pictures of each evaluation that are reported with what the model sees. */
  sample_pictures: uint32,
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
    .meta({ title: "Nodes" })
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
  /** Pre-trains or fine-tunes in a process of its own, which `RUN_DIR/config.json` tells the same as these parameters. */
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
