import type { CheckedDataset } from "../../datasets/dataset.ts";
import type { Params } from "../../protocol/methods.ts";
import type { Source } from "../../protocol/sources.ts";
import type { NativeRunModel } from "./model.ts";
import type { CheckedNativeFinetune, CheckedNativeTraining } from "./schemas.ts";

type RunParams = Params<"training.run">;

export function nativePretrainParams(options: CheckedNativeTraining, model: NativeRunModel): RunParams {
  const ofFinetuning = { method: "full", shots: null, shot_seed: null, patience: null, replay: null } as const;
  return { kind: "pretrain", ...shared(options, model), ...ofFinetuning };
}

export function nativeFinetuneParams(options: CheckedNativeFinetune, model: NativeRunModel): RunParams {
  const { method, shots, shotSeed, patience, replay } = options;
  return {
    kind: "finetune",
    ...shared(options, model),
    method: method === "linear-probe" ? "linear_probe" : method,
    shots: shots ?? null,
    shot_seed: shotSeed ?? null,
    patience: patience === undefined ? null : { learning_rate: patience.learningRate, stop: patience.stop },
    replay: replay === undefined ? null : replayOf(replay),
  };
}

function replayOf({ data, share, val }: NonNullable<CheckedNativeFinetune["replay"]>): RunParams["replay"] {
  return { sources: data.map(sourceOf), share, validation: val === undefined ? null : sourceOf(val) };
}

/** What both verbs have. What the options do not say is null: Python has the defaults. */
function shared(options: CheckedNativeTraining, model: NativeRunModel) {
  const { train, val, asking, augment, losses } = options;
  return {
    ...model,
    freeze: options.freeze,
    frozen_stages: options.frozenStages ?? null,
    train: (Array.isArray(train) ? train : [train]).map(sourceOf),
    validation: val === undefined ? null : sourceOf(val),
    problems: options.problems,
    asking: {
      full: asking.full ?? null,
      names: asking.names ?? null,
      sentences_every: asking.sentencesEvery ?? null,
      questions: asking.questions ?? null,
      captions: asking.captions ?? null,
    },
    augment: {
      flip: augment.flip ?? null,
      move: augment.move ?? null,
      zoom: augment.zoom ?? null,
      jitter: augment.jitter ?? null,
    },
    short_sides: options.shortSides ?? null,
    long_side: options.longSide ?? null,
    readers: options.readers ?? null,
    steps: options.steps ?? null,
    epochs: options.epochs ?? null,
    batch_size: options.batchSize ?? null,
    accumulation: options.accumulation ?? null,
    learning_rate: options.learningRate ?? null,
    language_learning_rate: options.languageLearningRate ?? null,
    backbone_factor: options.backboneFactor ?? null,
    weight_decay: options.weightDecay ?? null,
    warmup_steps: options.warmupSteps ?? null,
    schedule: options.schedule ?? null,
    milestones: options.milestones ?? null,
    clip_gradients: options.clipGradients ?? null,
    ema: options.ema ?? null,
    precision: options.precision ?? null,
    gradient_checkpointing: options.gradientCheckpointing ?? null,
    losses: {
      grounding: losses.grounding ?? null,
      inter: losses.inter ?? null,
      mlm: losses.mlm ?? null,
      masks: losses.masks ?? null,
      answers: losses.answers ?? null,
      captions: losses.captions ?? null,
    },
    seed: options.seed ?? null,
    output: options.output,
    resume: options.resume,
    detached: options.detached,
    checkpoint_steps: options.checkpointSteps ?? null,
    keep_checkpoints: options.keepCheckpoints ?? null,
    evaluate_steps: options.evaluateSteps ?? null,
    evaluate_before: options.evaluateBefore,
    sample_pictures: options.samplePictures ?? null,
    device: options.device ?? null,
    processes: options.processes,
    nodes: options.nodes ?? null,
  };
}

/** A dataset as the wire has it: nothing is left out there. */
export function sourceOf(dataset: CheckedDataset): Source {
  const share = dataset.share ?? null;
  switch (dataset.format) {
    case "odvg":
      return { ...dataset, share, labels: dataset.labels ?? null };
    case "flickr30k":
    case "voc":
      return { ...dataset, share, split: dataset.split ?? null };
    default:
      return { ...dataset, share };
  }
}
