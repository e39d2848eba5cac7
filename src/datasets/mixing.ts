import { resolve } from "node:path";
import { z } from "zod";
import { text, uint32 } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";

/** How a set takes part in a training. */
export interface DatasetOptions {
  /**
   * How often an epoch goes through it. The paper's few-shot recipe takes 8 copies of 1 shot, 4 of 3, 2 of 5, 1 of 10.
   * @default 1
   */
  copies?: number | undefined;
  /**
   * Its part of the pictures that are drawn, in relation to the other sets' shares: all of a mixture have one, or none.
   * Engine `native`. @default in proportion to pictures × copies
   */
  share?: number | undefined;
}

/** A path; it is made absolute from the working directory of the moment. */
export const path = text.min(1).transform((file) => resolve(file));

/** What the schema of every format has. */
export const mixing = { copies: uint32.min(1).default(1), share: z.number().gt(0).optional() };

/** For the functions that describe sets: a path that they were given. @throws GlipError `invalid_argument` */
export function pathOf(given: string, name: string): string {
  return checkArgument(path, given, name);
}

/** The same for options that are a mixture's alone. @throws GlipError `invalid_argument` */
export function optionsOf(given: DatasetOptions) {
  return checkArgument(z.strictObject(mixing), given, "options");
}
