import { z } from "zod";
import type { DType } from "./dtype.ts";
import { isTensor, type Tensor } from "./tensor.ts";

/** msgpackr writes larger integers as floats; nothing a client sends needs them. */
const uint32Max = 2 ** 32 - 1;

/** 0 … 2^32-1: every integer that a client sends. */
export const uint32 = z.int().min(0).max(uint32Max);

/** 0 … 2^53-1: integers that only the worker sends. */
export const uint53 = z.int().min(0);

/** A request's number; 0 is no request. */
export const requestId = z.int().min(1).max(uint32Max);

/** A string that UTF-8 can carry: a lone surrogate would be refused by Python's decoder with the whole message. */
export const text = z.string().refine((value) => value.isWellFormed(), "expected text without lone surrogates");

/** Any value that msgpack can carry, tensors included. */
export const anyValue = z.unknown();

/** A tensor; `dtypes` and `rank` limit which. */
export function tensor<D extends DType = DType>(limits: { dtypes?: readonly D[]; rank?: number } = {}) {
  const wanted = [limits.dtypes?.join(" or "), limits.rank === undefined ? undefined : `rank ${limits.rank}`];
  return z
    .custom<Tensor<D>>(
      (value) =>
        isTensor(value) &&
        (limits.dtypes === undefined || (limits.dtypes as readonly DType[]).includes(value.dtype)) &&
        (limits.rank === undefined || value.rank === limits.rank),
      { error: ["expected a Tensor", ...wanted.filter((part) => part !== undefined)].join(", ") },
    )
    .meta({ "x-tensor": { dtypes: limits.dtypes ?? null, rank: limits.rank ?? null } });
}
