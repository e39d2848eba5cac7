import { resolve } from "node:path";
import { z } from "zod";
import { datasetSchema } from "../../datasets/dataset.ts";
import { shipped } from "../../environment/weights/shipped.ts";
import { zoo } from "../../environment/weights/zoo.ts";
import { text, uint32 } from "../../protocol/fields.ts";
import type { NativeFinetuneOptions, NativePretrainOptions } from "./options.ts";
import { finetuneTasks } from "./tasks.ts";

const filled = text.min(1);
const count = uint32.min(1);
const positive = z.number().gt(0);
const part = z.number().min(0).max(1);
const weight = z.number().min(0);
const names = [...shipped, ...zoo.filter(({ kind }) => kind === "model")].map(({ name }) => name);

const model = {
  model: z.enum(names, `one of ${names.join(", ")} (your own: weights)`).optional(),
  config: z.union([filled, z.record(filled, z.unknown())], "a name, a JSON file, or an object").optional(),
  weights: filled.optional(),
  settings: z.record(filled, z.unknown()).optional(),
};

const running = {
  output: filled.transform((folder) => resolve(folder)),
  resume: z.boolean().default(false),
  detached: z.boolean().default(false),
  checkpointSteps: count.optional(),
  keepCheckpoints: count.optional(),
  evaluateSteps: count.optional(),
  evaluateBefore: z.boolean().default(false),
  samplePictures: uint32.optional(),
  device: z
    .string()
    .regex(/^(cpu|mps|cuda(:\d+)?)$/, "cpu, mps, cuda or cuda:N")
    .optional(),
  processes: count.default(1),
  nodes: z
    .strictObject({
      count,
      rank: uint32,
      endpoint: text.regex(/^[^\s:]+:\d{1,5}$|^\[[\da-fA-F:]+\]:\d{1,5}$/, "host:port"),
      rendezvous: z.enum(["static", "c10d"]).default("static"),
    })
    .refine(({ count: hosts, rank }) => rank < hosts, { path: ["rank"], message: "less than count" })
    .optional(),
  signal: z.instanceof(AbortSignal).optional(),
};

const data = {
  val: datasetSchema.optional(),
  problems: z.enum(["fail", "drop"]).default("fail"),
  asking: z
    .strictObject({
      full: part.optional(),
      names: count.optional(),
      sentencesEvery: uint32.optional(),
      questions: part.optional(),
      captions: part.optional(),
    })
    .default({}),
  augment: z
    .strictObject({
      flip: part.optional(),
      move: part.optional(),
      zoom: z.number().min(1).optional(),
      jitter: z.number().min(0).lt(1).optional(),
    })
    .default({}),
  shortSides: z.array(count).min(1).optional(),
  longSide: count.optional(),
  readers: count.optional(),
};

const optimisation = {
  steps: count.optional(),
  epochs: positive.optional(),
  batchSize: count.optional(),
  accumulation: count.optional(),
  learningRate: positive.optional(),
  languageLearningRate: positive.optional(),
  backboneFactor: weight.optional(),
  weightDecay: weight.optional(),
  warmupSteps: uint32.optional(),
  schedule: z.enum(["cosine", "steps", "constant"]).optional(),
  milestones: z.array(z.number().gt(0).lt(1)).optional(),
  clipGradients: weight.optional(),
  ema: z.number().min(0).lt(1).optional(),
  precision: z.enum(["float32", "bfloat16", "float16"]).optional(),
  gradientCheckpointing: z.boolean().optional(),
  freeze: z.array(z.enum(["backbone", "text", "head"])).default([]),
  frozenStages: uint32.optional(),
  losses: z
    .strictObject({
      grounding: weight.optional(),
      inter: weight.optional(),
      mlm: weight.optional(),
      masks: weight.optional(),
      answers: weight.optional(),
      captions: weight.optional(),
    })
    .default({}),
  seed: uint32.optional(),
};

const training = { ...model, ...running, ...data, ...optimisation };

const finetune = {
  ...training,
  task: z.enum(finetuneTasks).optional(),
  method: z.enum(["full", "linear-probe", "prompt"]).default("full"),
  shots: count.optional(),
  shotSeed: uint32.optional(),
  patience: z.strictObject({ learningRate: count, stop: count }).optional(),
  replay: z
    .strictObject({
      data: z.array(datasetSchema).min(1),
      share: z.number().gt(0).lt(1).default(0.5),
      val: datasetSchema.optional(),
    })
    .optional(),
};

const one = { train: datasetSchema };
const several = { train: z.array(datasetSchema).min(1) };

/** Of one set, or of several: a union of the two would not say where in a set the mistake is. */
export const nativePretrainOptions = {
  one: z.strictObject({ ...training, ...one }) satisfies z.ZodType<unknown, NativePretrainOptions>,
  several: z.strictObject({ ...training, ...several }) satisfies z.ZodType<unknown, NativePretrainOptions>,
};

export const nativeFinetuneOptions = {
  one: z.strictObject({ ...finetune, ...one }) satisfies z.ZodType<unknown, NativeFinetuneOptions>,
  several: z.strictObject({ ...finetune, ...several }) satisfies z.ZodType<unknown, NativeFinetuneOptions>,
};

type Train = typeof one | typeof several;
export type CheckedNativeModel = z.output<z.ZodObject<typeof model>>;
export type CheckedNativeTraining = z.output<z.ZodObject<typeof training & Train>>;
export type CheckedNativeFinetune = z.output<z.ZodObject<typeof finetune & Train>>;
