import { resolve } from "node:path";
import { z } from "zod";
import { officialDatasetSchema as datasetSchema } from "../datasets/dataset.ts";
import { zoo } from "../environment/weights/zoo.ts";
import { text, uint32 } from "../protocol/fields.ts";
import { accelerations } from "../protocol/model.ts";
import type { EvaluateOptions, FinetuneOptions, PretrainOptions } from "./options.ts";

const filled = text.min(1);
const count = uint32.min(1);
const positive = z.number().gt(0);
const names = zoo.filter(({ kind }) => kind === "model").map(({ name }) => name);

const run = {
  model: z.enum(names, `one of ${names.join(", ")} (your own: config and weights)`).optional(),
  config: filled.optional(),
  weights: filled.optional(),
  textEncoder: filled.optional(),
  settings: z.record(filled, z.unknown()).optional(),
  accelerate: z
    .union([z.boolean(), z.array(z.enum(accelerations))], `true, false or names out of ${accelerations.join(", ")}`)
    .optional(),
  output: filled.transform((folder) => resolve(folder)),
  processes: count.default(1),
  seed: uint32.optional(),
  wordings: z
    .array(z.strictObject({ prefix: text.default(""), name: text, suffix: text.default("") }))
    .min(1)
    .optional(),
  shortSides: z.array(count).min(1).optional(),
  longSide: count.optional(),
  readers: uint32.optional(),
  signal: z.instanceof(AbortSignal).optional(),
};

const training = {
  ...run,
  val: datasetSchema.optional(),
  resume: z.boolean().default(false),
  epochs: count.optional(),
  batchSize: count.optional(),
  learningRate: positive.optional(),
  languageLearningRate: positive.optional(),
  weightDecay: z.number().min(0).optional(),
  warmupSteps: uint32.optional(),
  milestones: z.array(z.number().gt(0).lt(1)).optional(),
  clipGradients: positive.optional(),
  ema: z.number().min(0).lt(1).optional(),
  mixedPrecision: z.boolean().optional(),
  gradientCheckpointing: z.boolean().optional(),
  checkpointSteps: count.optional(),
  frozenStages: uint32.optional(),
  pieces: z
    .strictObject({
      maskedLanguage: z.boolean().default(false),
      contrast: z.enum(["none", "fpn", "backbone"]).default("none"),
      maskHead: z.enum(["none", "plain", "text"]).default("none"),
    })
    .prefault({}),
};

const finetune = {
  ...training,
  method: z
    .enum(["full", "linear-probe", "prompt", "prompt-v1", "prompt-v2", "prompt-v3", "prompt-v4"])
    .default("full"),
  shots: count.optional(),
  shotSeed: uint32.default(3),
  patience: z.strictObject({ learningRate: count, stop: count }).optional(),
};

const one = { train: datasetSchema };
const several = { train: z.array(datasetSchema).min(1) };

/** Of one set, or of several: a union of the two would not say where in a set the mistake is. */
export const pretrainOptions = {
  one: z.strictObject({ ...training, ...one }) satisfies z.ZodType<unknown, PretrainOptions>,
  several: z.strictObject({ ...training, ...several }) satisfies z.ZodType<unknown, PretrainOptions>,
};

export const finetuneOptions = {
  one: z.strictObject({ ...finetune, ...one }) satisfies z.ZodType<unknown, FinetuneOptions>,
  several: z.strictObject({ ...finetune, ...several }) satisfies z.ZodType<unknown, FinetuneOptions>,
};

export const evaluateOptions = z.strictObject({
  ...run,
  data: datasetSchema,
  batchSize: count.default(1),
  knowledge: z
    .strictObject({
      file: filled.transform((file) => resolve(file)),
      kind: filled,
      aggregation: z.enum(["first", "mean"]).default("first"),
      gpt3Count: uint32.default(5),
      wikiAndGpt3: z.boolean().default(false),
    })
    .optional(),
}) satisfies z.ZodType<unknown, EvaluateOptions>;

export type CheckedRun = z.output<z.ZodObject<typeof run>>;
export type CheckedTraining = z.output<z.ZodObject<typeof training & (typeof one | typeof several)>>;
export type CheckedFinetune = z.output<z.ZodObject<typeof finetune & (typeof one | typeof several)>>;
export type CheckedEvaluate = z.output<typeof evaluateOptions>;
