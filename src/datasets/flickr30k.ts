import { z } from "zod";
import { checkArgument } from "../protocol/validate.ts";
import { type DatasetOptions, mixing, path, pathOf } from "./mixing.ts";

export interface Flickr30kOptions extends DatasetOptions {
  /** File with the pictures' ids, one a line, e.g. `train.txt`. @default all pictures */
  split?: string | undefined;
}

/** Pictures with five captions each, and boxes of their phrases: Flickr30K Entities. `flickr30k` makes one. */
export interface Flickr30kDataset extends Flickr30kOptions {
  format: "flickr30k";
  /** The folder of the pictures, `<id>.jpg`. */
  images: string;
  /** The folder with `Annotations/` and `Sentences/`. */
  entities: string;
}

const more = { ...mixing, split: path.optional() };

export const flickr30kSchema = z.strictObject({
  format: z.literal("flickr30k"),
  images: path,
  entities: path,
  ...more,
}) satisfies z.ZodType<Flickr30kDataset, Flickr30kDataset>;

/**
 * Flickr30K Entities.
 *
 * @param images the folder of the pictures
 * @param entities the folder with `Annotations/` and `Sentences/`
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function flickr30k(
  images: string,
  entities: string,
  options: Flickr30kOptions = {},
): z.output<typeof flickr30kSchema> {
  return {
    format: "flickr30k",
    images: pathOf(images, "images"),
    entities: pathOf(entities, "entities"),
    ...checkArgument(z.strictObject(more), options, "options"),
  };
}
