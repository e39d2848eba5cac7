import { z } from "zod";
import { dtypes } from "./dtype.ts";
import { anyValue, tensor, uint32, uint53 } from "./fields.ts";

/** Methods that every worker has, whatever its engine: they exercise the bridge and nothing else. */
export const diagnostics = {
  /** Gives back what it was given. */
  "diagnostics.echo": {
    params: z.strictObject({ value: anyValue }),
    result: z.strictObject({ value: anyValue }),
  },
  /** Reads a tensor and says what arrived; `sum` is null for an empty or not finite one. */
  "diagnostics.describe": {
    params: z.strictObject({ tensor: tensor() }),
    result: z.strictObject({
      dtype: z.enum(dtypes),
      shape: z.array(uint53),
      bytes: uint53,
      sum: z.number().nullable(),
    }),
  },
  /** Makes a tensor of `0, 1, 2, …` (modulo what the dtype holds). */
  "diagnostics.generate": {
    params: z.strictObject({ dtype: z.enum(dtypes), shape: z.array(uint32).max(8) }),
    result: z.strictObject({ tensor: tensor() }),
  },
  /** Counts to `steps`, an event and a pause each; the place to try streams, cancelling and deadlines. */
  "diagnostics.count": {
    params: z.strictObject({ steps: uint32, pause_ms: uint32 }),
    event: z.strictObject({ step: uint53 }),
    result: z.strictObject({ steps: uint53 }),
  },
};
