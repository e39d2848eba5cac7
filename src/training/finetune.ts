import { checkArgument } from "../protocol/validate.ts";
import { checkTrainingFiles } from "./files.ts";
import { type TrainingEvent, toTrainingEvent } from "./events.ts";
import type { TrainingHandle } from "./handle.ts";
import { chooseModel } from "./model.ts";
import type { FinetuneOptions } from "./options.ts";
import { finetuneParams } from "./params.ts";
import { inOptionNames } from "./refusals.ts";
import { TrainResult } from "./results.ts";
import { convert, Run } from "./run.ts";
import { type CheckedFinetune, finetuneOptions } from "./schemas.ts";

/** @throws GlipError as `Glip.finetune` */
export function finetune(handle: TrainingHandle, options: FinetuneOptions): Run<TrainingEvent, TrainResult> {
  const several = Array.isArray((options as FinetuneOptions | undefined)?.train);
  const checked: CheckedFinetune = several
    ? checkArgument(finetuneOptions.several, options, "options")
    : checkArgument(finetuneOptions.one, options, "options");
  const params = finetuneParams(checked, chooseModel(handle, checked));
  if (handle.local) checkTrainingFiles(checked);
  const stream = handle.stream("training.finetune", params, { signal: checked.signal });
  const source = convert(stream, {
    event: toTrainingEvent,
    result: (result) => new TrainResult(result),
    error: inOptionNames,
  });
  return new Run("Fine-tuning", checked.output, source);
}
