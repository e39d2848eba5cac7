import { checkArgument } from "../../protocol/validate.ts";
import { checkTrainingFiles } from "../files.ts";
import type { TrainingHandle } from "../handle.ts";
import type { TrainingRun } from "../training-run.ts";
import { chooseNativeModel } from "./model.ts";
import type { NativePretrainOptions } from "./options.ts";
import { nativePretrainParams } from "./params.ts";
import { type CheckedNativeTraining, nativePretrainOptions } from "./schemas.ts";
import { checkLength, type RequestHandle, type RunRequest, startRun } from "./start.ts";

/** @throws GlipError as `Glip.pretrain` */
export function nativePretrain(handle: TrainingHandle, options: NativePretrainOptions): TrainingRun {
  const { params, signal } = pretrainRequest(handle, options);
  return startRun(handle, "Pre-training", params, signal);
}

/** What is sent, once the options are in order. @throws GlipError as `Glip.pretrain`, before anything is sent */
export function pretrainRequest(handle: RequestHandle, options: NativePretrainOptions): RunRequest {
  const several = Array.isArray((options as NativePretrainOptions | undefined)?.train);
  const checked: CheckedNativeTraining = several
    ? checkArgument(nativePretrainOptions.several, options, "options")
    : checkArgument(nativePretrainOptions.one, options, "options");
  checkLength(checked);
  const params = nativePretrainParams(checked, chooseNativeModel(handle, checked, true));
  if (handle.local) checkTrainingFiles(checked);
  return { params, signal: checked.signal };
}
