import { checkArgument } from "../protocol/validate.ts";
import { checkTrainingFiles } from "./files.ts";
import { checkEngineOptions, trainingEngine } from "./engine.ts";
import { toTrainingEvent } from "./events.ts";
import { officialControl } from "./folder/control.ts";
import type { TrainingHandle } from "./handle.ts";
import { chooseModel } from "./model.ts";
import { nativeFinetune } from "./native/finetune.ts";
import type { NativeFinetuneOptions } from "./native/options.ts";
import type { FinetuneOptions } from "./options.ts";
import { finetuneParams } from "./params.ts";
import { inOptionNames } from "./refusals.ts";
import { TrainResult } from "./results.ts";
import { convert } from "./run.ts";
import { type CheckedFinetune, finetuneOptions } from "./schemas.ts";
import { TrainingRun } from "./training-run.ts";

/** @throws GlipError as `Glip.finetune` */
export function finetune(handle: TrainingHandle, options: FinetuneOptions | NativeFinetuneOptions): TrainingRun {
  const engine = trainingEngine(handle);
  checkEngineOptions(engine, options);
  // Which of the two was meant, the engine says; the schema says whether it fits.
  return engine === "native"
    ? nativeFinetune(handle, options as NativeFinetuneOptions)
    : officialFinetune(handle, options as FinetuneOptions);
}

function officialFinetune(handle: TrainingHandle, options: FinetuneOptions): TrainingRun {
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
  return new TrainingRun("Fine-tuning", checked.output, source, officialControl);
}
