import type { Params } from "../protocol/methods.ts";
import type { FinetuneMethod } from "./options.ts";
import type { RunModel } from "./model.ts";
import type { CheckedEvaluate, CheckedFinetune, CheckedRun, CheckedTraining } from "./schemas.ts";

const methods = {
  full: "full",
  "linear-probe": "linear_probe",
  prompt: "prompt_v2",
  "prompt-v1": "prompt_v1",
  "prompt-v2": "prompt_v2",
  "prompt-v3": "prompt_v3",
  "prompt-v4": "prompt_v4",
} as const satisfies Record<FinetuneMethod, Params<"training.finetune">["method"]>;

export function pretrainParams(options: CheckedTraining, model: RunModel): Params<"training.pretrain"> {
  return trainingParams(options, model);
}

export function finetuneParams(options: CheckedFinetune, model: RunModel): Params<"training.finetune"> {
  const { method, shots, shotSeed, patience } = options;
  return {
    ...trainingParams(options, model),
    method: methods[method],
    shots: shots ?? null,
    shot_seed: shotSeed,
    patience: patience === undefined ? null : { learning_rate: patience.learningRate, stop: patience.stop },
  };
}

export function evaluateParams(
  options: CheckedEvaluate,
  model: RunModel & { weights: string },
): Params<"training.evaluate"> {
  const { data, batchSize, knowledge } = options;
  return {
    ...runParams(options, model),
    weights: model.weights,
    data,
    batch_size: batchSize,
    knowledge:
      knowledge === undefined
        ? null
        : {
            file: knowledge.file,
            kind: knowledge.kind,
            aggregation: knowledge.aggregation,
            gpt3_count: knowledge.gpt3Count,
            wiki_and_gpt3: knowledge.wikiAndGpt3,
          },
  };
}

/** What all three have but `weights`, which only one of them must have. */
function runParams(options: CheckedRun, model: RunModel) {
  const { config, text_encoder, settings, accelerate } = model;
  return {
    output: options.output,
    config,
    text_encoder,
    settings,
    accelerate,
    processes: options.processes,
    seed: options.seed ?? null,
    wordings: options.wordings ?? null,
    short_sides: options.shortSides ?? null,
    long_side: options.longSide ?? null,
    readers: options.readers ?? null,
  };
}

function trainingParams(options: CheckedTraining, model: RunModel) {
  const { train, pieces } = options;
  return {
    ...runParams(options, model),
    weights: model.weights,
    train: Array.isArray(train) ? train : [train],
    validation: options.val ?? null,
    resume: options.resume,
    epochs: options.epochs ?? null,
    batch_size: options.batchSize ?? null,
    learning_rate: options.learningRate ?? null,
    language_learning_rate: options.languageLearningRate ?? null,
    weight_decay: options.weightDecay ?? null,
    warmup_steps: options.warmupSteps ?? null,
    milestones: options.milestones ?? null,
    clip_gradients: options.clipGradients ?? null,
    ema: options.ema ?? null,
    mixed_precision: options.mixedPrecision ?? null,
    gradient_checkpointing: options.gradientCheckpointing ?? null,
    checkpoint_steps: options.checkpointSteps ?? null,
    frozen_stages: options.frozenStages ?? null,
    pieces: {
      masked_language: pieces.maskedLanguage,
      contrast: pieces.contrast,
      mask_head: pieces.maskHead,
    },
  };
}
