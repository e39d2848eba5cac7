import { checkArgument } from "../protocol/validate.ts";
import { checkTrainingFiles } from "./files.ts";
import { type TrainingEvent, toTrainingEvent } from "./events.ts";
import type { TrainingHandle } from "./handle.ts";
import { choosePretrainModel } from "./model.ts";
import type { PretrainOptions } from "./options.ts";
import { pretrainParams } from "./params.ts";
import { inOptionNames } from "./refusals.ts";
import { TrainResult } from "./results.ts";
import { convert, Run } from "./run.ts";
import { type CheckedTraining, pretrainOptions } from "./schemas.ts";

/** @throws GlipError as `Glip.pretrain` */
export function pretrain(handle: TrainingHandle, options: PretrainOptions): Run<TrainingEvent, TrainResult> {
  const several = Array.isArray((options as PretrainOptions | undefined)?.train);
  const checked: CheckedTraining = several
    ? checkArgument(pretrainOptions.several, options, "options")
    : checkArgument(pretrainOptions.one, options, "options");
  const params = pretrainParams(checked, choosePretrainModel(handle, checked));
  if (handle.local) checkTrainingFiles(checked);
  const stream = handle.stream("training.pretrain", params, { signal: checked.signal });
  const source = convert(stream, {
    event: toTrainingEvent,
    result: (result) => new TrainResult(result),
    error: inOptionNames,
  });
  return new Run("Pre-training", checked.output, source);
}
