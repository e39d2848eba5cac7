import { z } from "zod";
import { shipped } from "./environment/weights/shipped.ts";
import { zoo } from "./environment/weights/zoo.ts";
import { text } from "./protocol/fields.ts";
import { type Acceleration, accelerations } from "./protocol/model.ts";

/** What computes, and with which model. `launch` and `glip worker` take these. */
export interface ModelOptions {
  /**
   * What computes. `official`: the code of microsoft/GLIP. `native`: GLIP in current PyTorch, the same numbers sooner,
   * without a checkout. `none`: the worker has the diagnostics and your plugins.
   * @default "native" for `glip-nano`, "official" for the released models
   */
  engine?: "none" | "native" | "official" | undefined;
  /**
   * `glip-nano`, which comes with this package, or a released model by its name in the zoo, e.g. `glip-t`: its
   * configuration and its weights.
   * @default glip-nano; with an `engine` none: the worker has no model until one is trained or loaded
   */
  model?: string | undefined;
  /**
   * Official: a yaml file of yours, or one of the checkout (`configs/pretrain/…`). Native: `glip-t-a`, `glip-t-b`,
   * `glip-t-c`, `glip-t`, `glip-l`, `glip-nano`, or a JSON file. @default the model's; native: what fits the weights
   */
  config?: string | undefined;
  /** A checkpoint's path, a name of the zoo, or `random`: random numbers, to try things out. @default the model's */
  weights?: string | undefined;
  /**
   * Keys of the configuration that are to differ: official `{ "MODEL.ATSS.INFERENCE_TH": 0.1 }`,
   * native `{ "postprocess.threshold": 0.1 }`. @default {}
   */
  settings?: Record<string, unknown> | undefined;
  /** What the native engine computes in; bfloat16 is faster on GPUs, and differs in the third digit. @default "float32" */
  dtype?: "float32" | "bfloat16" | undefined;
  /** Accelerations of the official code, all or some: the same numbers to about 1e-6, sooner. @default false */
  accelerate?: boolean | readonly Acceleration[] | undefined;
  /** Folder with the text encoder's vocabulary. @default the uncased BERT one that this package ships */
  textEncoder?: string | undefined;
  /** The official checkout. @default GLIP_OFFICIAL_REPO, then what `glip setup --official` chose or fetched */
  official?: string | undefined;
  /** Accept a checkout that is not the pinned commit. @default what `glip setup --official DIR --allow-modified` said */
  allowModified?: boolean | undefined;
}

const filled = text.min(1);
const released = zoo.filter(({ kind }) => kind === "model");
const names = [...shipped, ...released].map(({ name }) => name);

export const modelOptions = {
  engine: z.enum(["none", "native", "official"]).optional(),
  model: z.enum(names, `one of ${names.join(", ")} (your own: config and weights)`).optional(),
  config: filled.optional(),
  weights: filled.optional(),
  settings: z.record(filled, z.unknown()).optional(),
  dtype: z.enum(["float32", "bfloat16"]).optional(),
  accelerate: z.union([z.boolean(), z.array(z.enum(accelerations))]).optional(),
  textEncoder: filled.optional(),
  official: filled.optional(),
  allowModified: z.boolean().optional(),
};

/** These options alone. */
export const modelOptionsSchema = z.strictObject(modelOptions) satisfies z.ZodType<unknown, ModelOptions>;
export type CheckedModelOptions = z.output<typeof modelOptionsSchema>;
