import { z } from "zod";
import { anyValue, text, uint53 } from "./fields.ts";

/** Changes of how the official code computes that leave its results as they are. */
export const accelerations = ["short_text", "fusion", "deformable"] as const;
export type Acceleration = (typeof accelerations)[number];

/** What decides which model computes. A worker starts without one; all its paths are on the worker's host. */
export const model = {
  /** Builds a model and loads its weights; the one before it stays until the new one is complete. */
  "model.load": {
    params: z.strictObject({
      /** A yaml of the official code, absolute or relative to the checkout. */
      config: text,
      /** A checkpoint; null: random weights. */
      weights: text.nullable(),
      /** A folder with the text encoder's vocabulary; null: the uncased BERT one that the worker ships. */
      text_encoder: text.nullable(),
      /** Names of numerically equal accelerations; the worker refuses unknown ones. */
      accelerate: z.array(text),
      /** Keys of the configuration that differ from the yaml, e.g. `{ "MODEL.ATSS.INFERENCE_TH": 0.1 }`. */
      settings: z.record(text, anyValue),
    }),
    result: z.strictObject({
      /** Number of the model's parameters, and of its tensors that the checkpoint filled. */
      parameters: uint53,
      tensors: uint53,
      /** What the checkpoint had and the model has not: optimizer state aside, nothing for a fitting checkpoint. */
      ignored: z.array(z.string()),
      seconds: z.number(),
    }),
  },
};
