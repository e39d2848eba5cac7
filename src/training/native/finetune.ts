import { checkDatasetFiles } from "../../datasets/check.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { checkTrainingFiles } from "../files.ts";
import type { TrainingHandle } from "../handle.ts";
import type { TrainingRun } from "../training-run.ts";
import { chooseNativeModel } from "./model.ts";
import type { NativeFinetuneOptions } from "./options.ts";
import { nativeFinetuneParams } from "./params.ts";
import { type CheckedNativeFinetune, nativeFinetuneOptions } from "./schemas.ts";
import { checkLength, type RequestHandle, type RunRequest, startRun } from "./start.ts";
import { withTask } from "./tasks.ts";

/** @throws GlipError as `Glip.finetune` */
export function nativeFinetune(handle: TrainingHandle, options: NativeFinetuneOptions): TrainingRun {
  const { params, signal } = finetuneRequest(handle, options);
  return startRun(handle, "Fine-tuning", params, signal);
}

/** What is sent, once the options are in order. @throws GlipError as `Glip.finetune`, before anything is sent */
export function finetuneRequest(handle: RequestHandle, options: NativeFinetuneOptions): RunRequest {
  const several = Array.isArray((options as NativeFinetuneOptions | undefined)?.train);
  const said: CheckedNativeFinetune = several
    ? checkArgument(nativeFinetuneOptions.several, options, "options")
    : checkArgument(nativeFinetuneOptions.one, options, "options");
  const checked = withTask(said);
  checkLength(checked);
  const params = nativeFinetuneParams(checked, chooseNativeModel(handle, checked, false));
  if (handle.local) {
    checkTrainingFiles(checked);
    const { data = [], val } = checked.replay ?? {};
    for (const [index, set] of data.entries()) checkDatasetFiles(set, `options.replay.data[${index}]`);
    if (val !== undefined) checkDatasetFiles(val, "options.replay.val");
  }
  return { params, signal: checked.signal };
}
