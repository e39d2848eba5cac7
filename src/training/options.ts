import type { OfficialDataset } from "../datasets/dataset.ts";
import type { Acceleration } from "../protocol/model.ts";

/** Which model a run is about. */
export interface RunModelOptions {
  /** A released model, by its name in the zoo, e.g. `glip-t`: its configuration and its weights. @default the handle's */
  model?: string | undefined;
  /**
   * A yaml file of yours (that of an earlier run's result, say), or one of the official checkout (`configs/pretrain/…`).
   * @default the model's
   */
  config?: string | undefined;
  /**
   * A checkpoint's path, or a name of the zoo; for `pretrain` also `random`: random numbers. A checkpoint of a run goes
   * with that run's `config`: prompt tuning adds to the model.
   * @default the model's
   */
  weights?: string | undefined;
  /** Folder with the text encoder's vocabulary. @default the handle's, then the uncased BERT one of this package */
  textEncoder?: string | undefined;
  /** Keys of the official configuration that are to differ, whatever the other options say. @default the handle's */
  settings?: Record<string, unknown> | undefined;
  /** Accelerations of the official code, all or some: the same numbers to about 1e-6, sooner. @default the handle's */
  accelerate?: boolean | readonly Acceleration[] | undefined;
}

/** How a category is worded in the prompt: prefix, name and suffix are joined as they are. */
export interface Wording {
  /** @default "" */
  prefix?: string | undefined;
  name: string;
  /** @default "" */
  suffix?: string | undefined;
}

/** What every run takes. What is left out is as the configuration says, unless a default is given. */
export interface RunOptions extends RunModelOptions {
  /** Folder for everything that the run writes; made when it is not there. A path on the worker's host. */
  output: string;
  /** Processes, each with a device of its own (on the CPU: with its share of the threads). @default 1 */
  processes?: number | undefined;
  /** Seed of Python's, numpy's and torch's random numbers. @default none */
  seed?: number | undefined;
  /** One for each category, in the order of the data's categories. @default the categories' names */
  wordings?: readonly Wording[] | undefined;
  /**
   * Short sides that pictures are resized to, in pixels: training chooses one for each picture. The released models
   * train with 480, 560, 640, 720, 800. @default the configuration's
   */
  shortSides?: readonly number[] | undefined;
  /** Pictures are at most this long, in pixels. The released models take 1333. @default the configuration's */
  longSide?: number | undefined;
  /** Processes that read pictures, for each process of the run. @default the configuration's */
  readers?: number | undefined;
  /** Ends the run; its iteration and its result reject with `cancelled`, `cause` the signal's reason. @default none */
  signal?: AbortSignal | undefined;
}

/** What `pretrain` and `finetune` share. */
export interface TrainingOptions extends RunOptions {
  /** One set, or several that are mixed. */
  train: OfficialDataset | readonly OfficialDataset[];
  /** What the model is measured on during the training. @default no validation */
  val?: OfficialDataset | undefined;
  /** Go on from the last checkpoint in `output`. @default false */
  resume?: boolean | undefined;
  /** Passes through the training data. @default the configuration's: 30 in the released models' */
  epochs?: number | undefined;
  /** Pictures in a step, of all processes together. @default the configuration's: 64 in the released models' */
  batchSize?: number | undefined;
  /** @default the configuration's: 1e-4 in the released models' */
  learningRate?: number | undefined;
  /** Of the text encoder. @default the configuration's: 1e-5 in the released models' */
  languageLearningRate?: number | undefined;
  /** @default the configuration's: 1e-4 in the released models' */
  weightDecay?: number | undefined;
  /** Steps in which the learning rate rises to its full height. @default the configuration's: 2000 in the released models' */
  warmupSteps?: number | undefined;
  /** Parts of the run, 0 to 1, after which the learning rate drops. @default the configuration's: 0.67 and 0.89 */
  milestones?: readonly number[] | undefined;
  /** Largest norm of the gradient. @default the configuration's: 1 in the released models' */
  clipGradients?: number | undefined;
  /** Decay of the averaged weights; 0 keeps none. @default the configuration's: 0.999 in the released models' */
  ema?: number | undefined;
  /** Half precision where it does no harm; on CUDA. @default the configuration's: true in the released models' */
  mixedPrecision?: boolean | undefined;
  /** Compute activations twice instead of keeping them: less memory, slower. @default the configuration's */
  gradientCheckpointing?: boolean | undefined;
  /** Steps between two checkpoints. @default the configuration's */
  checkpointSteps?: number | undefined;
  /** The first so many of the backbone's four stages stay as they are; 0: none. @default the configuration's */
  frozenStages?: number | undefined;
  /** Optional pieces of the official tree; docs/official-pieces.md says what each does. @default none of them */
  pieces?: TrainingPieces | undefined;
}

export interface TrainingPieces {
  /** Predict words that were masked in the caption; for captions of some length. @default false */
  maskedLanguage?: boolean | undefined;
  /** Contrast regions and words between the pictures of a batch, on the FPN's or the backbone's features. @default "none" */
  contrast?: "none" | "fpn" | "backbone" | undefined;
  /** A mask head: one mask per category, or one whose category is read from the text. @default "none" */
  maskHead?: "none" | "plain" | "text" | undefined;
}

/** `weights` is what to start from, a backbone of the zoo (`swin-t`, `swin-l`) for example. @default random numbers */
export interface PretrainOptions extends TrainingOptions {}

/**
 * What is left out is as in the official recipe for small sets (README, "Full Model Fine-Tuning"): `batchSize` 4,
 * `weightDecay` 0.05, `warmupSteps` 0, `ema` 0, `mixedPrecision`, `gradientCheckpointing` of the head, `frozenStages` 1,
 * a checkpoint each epoch; `epochs` 200 with `patience`, 12 without.
 */
export interface FinetuneOptions extends TrainingOptions {
  /**
   * What is trained. `full`: everything. `linear-probe`: the last layers of the head. `prompt`: what is added to the text
   * features, the paper's prompt tuning (`learningRate` 0.05 and `weightDecay` 0.25 unless given), and the same as
   * `prompt-v2`. `prompt-v1`: the text encoder; `prompt-v3`: 1 and the linear probe; `prompt-v4`: 2 and the linear probe.
   * @default "full"
   */
  method?: FinetuneMethod | undefined;
  /** Pictures of each category that are used. @default all */
  shots?: number | undefined;
  /** Which pictures those are. The paper reports the mean over 3, 30 and 300. @default 3 */
  shotSeed?: number | undefined;
  /**
   * Evaluations without improvement after which the learning rate drops, and after which the run ends. Needs `val`, and
   * takes the place of `milestones`. The official recipe has 2 and 4 with all the data, 3 and 8 with few shots.
   * @default neither
   */
  patience?: { learningRate: number; stop: number } | undefined;
}

export type FinetuneMethod = "full" | "linear-probe" | "prompt" | "prompt-v1" | "prompt-v2" | "prompt-v3" | "prompt-v4";

export interface EvaluateOptions extends RunOptions {
  /** What the model is measured on. */
  data: OfficialDataset;
  /** Pictures in a step of one process. @default 1 */
  batchSize?: number | undefined;
  /** Definitions beside the category names (GLIPKNOW), for a model that was trained with them. @default none */
  knowledge?: KnowledgeOptions | undefined;
}

export interface KnowledgeOptions {
  /** A yaml file: category to definitions. */
  file: string;
  /** Which of its definitions, e.g. `def_wiki`, `def_wn`, `gpt3`. */
  kind: string;
  /** How the tokens of a definition become one feature. @default "first" */
  aggregation?: "first" | "mean" | undefined;
  /** How many of GPT-3's sentences are used. @default 5 */
  gpt3Count?: number | undefined;
  /** Whether Wikipedia's definition goes before them. @default false */
  wikiAndGpt3?: boolean | undefined;
}
