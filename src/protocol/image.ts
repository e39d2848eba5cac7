import { z } from "zod";
import { tensor, text } from "./fields.ts";

/**
 * A picture on the wire: one of path, encoded and pixels (python/glip_worker/pictures.py refuses anything else); with a
 * view that the worker holds, none of them is needed.
 */
export const image = z
  .strictObject({
    /** Absolute path of a file on the worker's host. */
    path: text.nullable(),
    /** The bytes of an encoded picture (JPEG, PNG, …). */
    encoded: tensor({ dtypes: ["uint8"], rank: 1 }).nullable(),
    /** Decoded pixels `[height, width, channels]`; 1 channel is gray, 3 are RGB, 4 are RGBA. */
    pixels: tensor({ dtypes: ["uint8"], rank: 3 }).nullable(),
    /** The name of a view: one that is held, or that is to be held from now on where the picture is given, too. */
    view: text.nullable(),
  })
  .meta({ title: "Image" });
