import { checkDatasetFiles } from "../datasets/check.ts";
import type { Dataset } from "../datasets/dataset.ts";

/** Sees that the sets of a training are there. @throws GlipError `file_error` */
export function checkTrainingFiles({ train, val }: { train: Dataset | Dataset[]; val?: Dataset | undefined }): void {
  if (Array.isArray(train))
    for (const [index, set] of train.entries()) checkDatasetFiles(set, `options.train[${index}]`);
  else checkDatasetFiles(train, "options.train");
  if (val !== undefined) checkDatasetFiles(val, "options.val");
}
