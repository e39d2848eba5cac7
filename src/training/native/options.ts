import type { Dataset } from "../../datasets/dataset.ts";
import type { FinetuneTask } from "./tasks.ts";

/** Which model a run of the engine native trains, and from what. */
export interface NativeModelOptions {
  /** `glip-nano`, or a released model by its name in the zoo: its configuration and its weights. @default the handle's */
  model?: string | undefined;
  /**
   * `glip-t-a`, `glip-t-b`, `glip-t-c`, `glip-t`, `glip-l`, `glip-nano`, a JSON file, or what is in one.
   * @default what the weights say; for random ones the model's
   */
  config?: string | Readonly<Record<string, unknown>> | undefined;
  /**
   * A checkpoint's path, a name, or `random`: random numbers.
   * @default the model's; `pretrain`: random
   */
  weights?: string | undefined;
  /** Keys of the configuration that are to differ: `{ "text.dropout": 0.1 }`. @default the handle's */
  settings?: Readonly<Record<string, unknown>> | undefined;
}

/** What `pretrain` and `finetune` share on the engine native. Steps count from 1. */
export interface NativeTrainingOptions extends NativeModelOptions, NativeRunningOptions, NativeDataOptions {
  /** Length of the run. @default as `epochs` says */
  steps?: number | undefined;
  /** The same in passes through the training data, with a fraction. @default 12; with `patience` 200 */
  epochs?: number | undefined;
  /** Pictures in a step, of all processes and hosts together. @default 8 */
  batchSize?: number | undefined;
  /** Parts in which a step's pictures are computed one after the other, to save memory. @default 1 */
  accumulation?: number | undefined;
  /** Of AdamW, at its highest. @default 1e-4; `prompt`: 0.05 */
  learningRate?: number | undefined;
  /** Of the text encoder. @default a tenth of `learningRate`; from random weights all of it */
  languageLearningRate?: number | undefined;
  /** By which the backbone's learning rate is multiplied. @default 1 */
  backboneFactor?: number | undefined;
  /** Biases, normalisations and embeddings do not decay. @default 0.05; `prompt`: 0.25 */
  weightDecay?: number | undefined;
  /** Steps in which the learning rate rises to its full height. @default a twentieth of the run, 2000 at most */
  warmupSteps?: number | undefined;
  /**
   * `cosine`: half a cosine, down to a hundredth. `steps`: to a tenth after each of `milestones`. `constant`.
   * @default "cosine"
   */
  schedule?: "cosine" | "steps" | "constant" | undefined;
  /** Parts of the run, 0 to 1, for the schedule `steps`. @default [0.67, 0.89] */
  milestones?: readonly number[] | undefined;
  /** Largest norm of the gradient; 0: any. @default 1 */
  clipGradients?: number | undefined;
  /** Decay of the averaged weights, which are what is measured and kept; 0: none. @default 0.999; `full` alone */
  ema?: number | undefined;
  /** What the network computes in; weights and losses stay in float32. @default "float32" */
  precision?: "float32" | "bfloat16" | "float16" | undefined;
  /** Compute activations twice instead of keeping them: less memory, slower. @default false */
  gradientCheckpointing?: boolean | undefined;
  /** Parts that stay as they are. @default [] */
  freeze?: readonly ("backbone" | "text" | "head")[] | undefined;
  /**
   * Of the backbone: 1 leaves its patches as they are, a greater n also its first n - 1 stages; 0: nothing.
   * @default as the configuration says
   */
  frozenStages?: number | undefined;
  /** Weights of the losses; 0: not computed. */
  losses?: NativeLossOptions | undefined;
  /** Of everything that is drawn by chance. @default 0 */
  seed?: number | undefined;
}

export interface NativeLossOptions {
  /** Region-word alignment after fusion, and localization. @default 1 */
  grounding?: number | undefined;
  /** Region-word contrast between all pictures of the batch, on features before fusion. @default 0 */
  inter?: number | undefined;
  /** Masked words of captions. @default 0 */
  mlm?: number | undefined;
  /**
   * Masks, where the data has them; of a model that finds masks, which the settings `{ masks: {} }` make of one that does
   * not. @default 0
   */
  masks?: number | undefined;
  /** Answers to questions. The model needs the part `settings: { understanding: {} }`. @default 0 */
  answers?: number | undefined;
  /** Captions, word by word; likewise. @default 0 */
  captions?: number | undefined;
}

export interface NativeDataOptions {
  /** One set, or several that are mixed. */
  train: Dataset | readonly Dataset[];
  /** What the model is measured on. @default no validation */
  val?: Dataset | undefined;
  /** What is done about wrong annotations: nothing is trained, or they are left out, with a warning. @default "fail" */
  problems?: "fail" | "drop" | undefined;
  /** What the model is asked of a picture. */
  asking?: NativeAsking | undefined;
  /** How pictures are varied; boxes, masks and what the text says stay true. */
  augment?: NativeAugment | undefined;
  /** Short sides that pictures are resized to, in pixels: one is drawn for each step. @default the configuration's */
  shortSides?: readonly number[] | undefined;
  /** Pictures are at most this long, in pixels. @default the configuration's */
  longSide?: number | undefined;
  /** Threads that read pictures, for each process. @default 2 */
  readers?: number | undefined;
}

export interface NativeAsking {
  /** Part of the steps that ask for all categories at once, or as many as a text holds. @default 0.5 */
  full?: number | undefined;
  /** The other steps ask for 1 to so many: the picture's own, and some that it lacks. @default 24 */
  names?: number | undefined;
  /** Of so many steps one asks for what sentences speak of, where pictures have both; 0: none. @default 3 */
  sentencesEvery?: number | undefined;
  /** Part of the steps that ask questions, 0 to 1. @default 0.25 where `losses.answers` has a weight */
  questions?: number | undefined;
  /** Part of the steps that tell captions, 0 to 1. @default 0.25 where `losses.captions` has a weight */
  captions?: number | undefined;
}

export interface NativeAugment {
  /** How often left and right change places, 0 to 1; never where the text speaks of them. @default 0.5 */
  flip?: number | undefined;
  /** How often a picture is moved and scaled, 0 to 1; never where the text speaks of places and sizes. @default 0.5 */
  move?: number | undefined;
  /** Most that it is scaled by then. @default 1.25 */
  zoom?: number | undefined;
  /** Most that brightness, contrast and saturation are changed by, 0 to below 1. @default 0 */
  jitter?: number | undefined;
}

export interface NativeRunningOptions {
  /** Folder for everything that the run writes; made when it is not there. A path on the worker's host. */
  output: string;
  /** Go on from the last checkpoint in `output`. @default false */
  resume?: boolean | undefined;
  /** The run outlives this program and its worker; `attachRun(output)` finds it again. @default false */
  detached?: boolean | undefined;
  /** Steps between two checkpoints. @default a tenth of the run, 1000 at most */
  checkpointSteps?: number | undefined;
  /** How many of the last checkpoints are kept, beside the best. @default 2 */
  keepCheckpoints?: number | undefined;
  /** Steps between two evaluations on `val`. @default a tenth of the run */
  evaluateSteps?: number | undefined;
  /** Measure on `val` before the first step, too: the zero-shot figure. @default false */
  evaluateBefore?: boolean | undefined;
  /** Pictures of each evaluation that come as `sample` events, with what the model sees. @default 4 */
  samplePictures?: number | undefined;
  /** `cpu`, `mps`, `cuda` or `cuda:N`; with several processes these follow it. @default the worker's */
  device?: string | undefined;
  /** Processes on this host, each with a device of its own (on the CPU: with its share of the threads). @default 1 */
  processes?: number | undefined;
  /** One of several hosts, each of which makes this call with its own `rank`. @default this host alone */
  nodes?: NativeNodes | undefined;
  /** Ends the run; its iteration and its result reject with `cancelled`, `cause` the signal's reason. @default none */
  signal?: AbortSignal | undefined;
}

/** Hosts that train together. */
export interface NativeNodes {
  count: number;
  /** This host's number, from 0. */
  rank: number;
  /** `host:port` of the first host, the same for all. */
  endpoint: string;
  /** How they find each other, as torch.distributed.run calls it. @default "static" */
  rendezvous?: "static" | "c10d" | undefined;
}

/** For `pretrain` on the engine native. */
export interface NativePretrainOptions extends NativeTrainingOptions {}

/** For `finetune` on the engine native. */
export interface NativeFinetuneOptions extends NativeTrainingOptions {
  /**
   * What it is for: the losses that teach it, and the head that the model needs for it, where it has none. What `losses`,
   * `settings` and `asking` say counts more.
   *
   * `detect`: categories alone are asked for. `ground`: sentences, where there are any. `segment`: masks, beside boxes.
   * `answer`, `caption`: every step asks questions, or tells captions; boxes are learnt too with
   * `losses: { grounding: 1 }`.
   * @default as those say
   */
  task?: FinetuneTask | undefined;
  /**
   * What is trained. `full`: everything. `linear-probe`: the last layers of the head, without the loss
   * `grounding` those of masks, answers and captions alone. `prompt`: the text side's features
   * of one list of categories, kept as a small file beside the shared weights.
   * @default "full"
   */
  method?: "full" | "linear-probe" | "prompt" | undefined;
  /** Pictures of each category that are used; which, is written to `subset.json`. @default all */
  shots?: number | undefined;
  /** Which pictures those are. The paper reports the mean over 3, 30 and 300. @default 3 */
  shotSeed?: number | undefined;
  /** Evaluations without improvement after which the learning rate drops to a tenth, and the run ends. @default neither */
  patience?: { learningRate: number; stop: number } | undefined;
  /** What keeps the open vocabulary. @default none */
  replay?: NativeReplay | undefined;
}

/** What a model was trained on before, and is trained on again so that it does not forget. */
export interface NativeReplay {
  data: readonly Dataset[];
  /** Part of the pictures that come from it. @default 0.5 */
  share?: number | undefined;
  /** What must not be forgotten: measured before the first step, and with every evaluation. @default none */
  val?: Dataset | undefined;
}
