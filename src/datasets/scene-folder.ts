import { z } from "zod";
import { type DatasetOptions, mixing, optionsOf, path, pathOf } from "./mixing.ts";
import type { SceneFolder } from "./scenes/split.ts";

/** A split of the scenes; `sceneFolder` and `sceneSplit` make one. */
export interface ScenesDataset extends SceneFolder, DatasetOptions {}

export const scenesSchema = z.strictObject({
  format: z.literal("scenes"),
  folder: path,
  ...mixing,
}) satisfies z.ZodType<ScenesDataset, ScenesDataset>;

/**
 * A split of the scenes that `writeScenes` or `glip scenes` wrote.
 *
 * @param folder the split's, e.g. `scenes/train`
 * @throws GlipError `invalid_argument`. Nothing is read here.
 */
export function sceneFolder(folder: string, options: DatasetOptions = {}): z.output<typeof scenesSchema> {
  return { format: "scenes", folder: pathOf(folder, "folder"), ...optionsOf(options) };
}
