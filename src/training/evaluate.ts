import { checkDatasetFiles, checkFile } from "../datasets/check.ts";
import { GlipError } from "../errors.ts";
import { checkArgument } from "../protocol/validate.ts";
import { type TrainingEvent, toTrainingEvent } from "./events.ts";
import type { TrainingHandle } from "./handle.ts";
import { chooseModel } from "./model.ts";
import type { EvaluateOptions } from "./options.ts";
import { evaluateParams } from "./params.ts";
import { inOptionNames } from "./refusals.ts";
import { EvaluateResult } from "./results.ts";
import { convert, Run } from "./run.ts";
import { evaluateOptions } from "./schemas.ts";

/** @throws GlipError as `Glip.evaluate` */
export function evaluate(handle: TrainingHandle, options: EvaluateOptions): Run<TrainingEvent, EvaluateResult> {
  const checked = checkArgument(evaluateOptions, options, "options");
  const { weights, ...model } = chooseModel(handle, checked);
  if (weights === null) {
    const details = { path: "options.weights", expected: "a checkpoint to measure", received: "random numbers" };
    throw new GlipError(
      "invalid_argument",
      "options.weights: expected a checkpoint to measure, got random numbers",
      details,
    );
  }
  if (handle.local) {
    checkDatasetFiles(checked.data, "options.data");
    if (checked.knowledge !== undefined) checkFile(checked.knowledge.file, "options.knowledge.file");
  }
  const stream = handle.stream("training.evaluate", evaluateParams(checked, { ...model, weights }), {
    signal: checked.signal,
  });
  const source = convert(stream, {
    event: toTrainingEvent,
    result: (result) => new EvaluateResult(result),
    error: inOptionNames,
  });
  return new Run("Evaluation", checked.output, source);
}
