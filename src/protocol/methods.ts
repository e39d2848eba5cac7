import type { z } from "zod";
import { diagnostics } from "./diagnostics.ts";
import { evaluation } from "./evaluation.ts";
import { model } from "./model.ts";
import { nativeTraining } from "./native-training.ts";
import { trainingMethods } from "./training.ts";
import { vision } from "./vision.ts";

/** One method of the worker: what goes in, what comes out, and what a stream of it yields on the way. */
export interface MethodSchema {
  params: z.ZodType;
  result: z.ZodType;
  event?: z.ZodType;
}

/** Every method that the SDK declares. A worker may have more: those of the user's own plugins, which are untyped. */
export const methods = {
  ...diagnostics,
  ...model,
  ...vision,
  ...evaluation,
  ...trainingMethods,
  ...nativeTraining,
} satisfies Record<string, MethodSchema>;

export type Methods = typeof methods;
export type MethodName = keyof Methods;
/** Names of the methods that can be streamed. */
export type StreamName = {
  [Name in MethodName]: Methods[Name] extends { event: z.ZodType } ? Name : never;
}[MethodName];

export type Params<Name extends MethodName> = z.input<Methods[Name]["params"]>;
export type Result<Name extends MethodName> = z.output<Methods[Name]["result"]>;
export type Event<Name extends StreamName> = Methods[Name] extends { event: infer E extends z.ZodType }
  ? z.output<E>
  : never;

export function methodSchema(name: string): MethodSchema | undefined {
  return Object.hasOwn(methods, name) ? methods[name as MethodName] : undefined;
}
