import { checkArgument } from "../protocol/validate.ts";
import { checkTrainingFiles } from "./files.ts";
import { checkEngineOptions, trainingEngine } from "./engine.ts";
import { toTrainingEvent } from "./events.ts";
import { officialControl } from "./folder/control.ts";
import type { TrainingHandle } from "./handle.ts";
import { choosePretrainModel } from "./model.ts";
import { nativePretrain } from "./native/pretrain.ts";
import type { NativePretrainOptions } from "./native/options.ts";
import type { PretrainOptions } from "./options.ts";
import { pretrainParams } from "./params.ts";
import { inOptionNames } from "./refusals.ts";
import { TrainResult } from "./results.ts";
import { convert } from "./run.ts";
import { type CheckedTraining, pretrainOptions } from "./schemas.ts";
import { TrainingRun } from "./training-run.ts";

/** @throws GlipError as `Glip.pretrain` */
export function pretrain(handle: TrainingHandle, options: PretrainOptions | NativePretrainOptions): TrainingRun {
  const engine = trainingEngine(handle);
  checkEngineOptions(engine, options);
  // Which of the two was meant, the engine says; the schema says whether it fits.
  return engine === "native" ? nativePretrain(handle, options) : officialPretrain(handle, options as PretrainOptions);
}

function officialPretrain(handle: TrainingHandle, options: PretrainOptions): TrainingRun {
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
  return new TrainingRun("Pre-training", checked.output, source, officialControl);
}
