import { describe, expect, it } from "vitest";
import { Stream, type StreamControls } from "../../src/bridge/stream.ts";
import type { ErrorCode, GlipError } from "../../src/errors.ts";
import { evaluate } from "../../src/training/evaluate.ts";
import { finetune } from "../../src/training/finetune.ts";
import type { TrainingHandle } from "../../src/training/handle.ts";
import type { EvaluateOptions, FinetuneOptions, PretrainOptions } from "../../src/training/options.ts";
import { pretrain } from "../../src/training/pretrain.ts";
import { runFolder } from "../support/training.ts";

const controls: StreamControls = { grant: () => {}, cancel: () => {} };

/** A handle that keeps what is sent instead of sending it. */
function handleOf(model?: Partial<TrainingHandle["model"]>, local = true) {
  const sent: { method?: string; params?: Record<string, unknown>; options?: unknown } = {};
  const loaded = {
    config: "configs/own.yaml",
    weights: "/own.pth",
    settings: { "MODEL.A": 1, "MODEL.B": 1 },
    textEncoder: "/bert",
    accelerate: ["fusion"],
    parameters: 1,
    tensors: 1,
    ignored: [],
    seconds: 1,
    ...model,
  };
  const handle: TrainingHandle = {
    local,
    info: { engine: "official" },
    home: "/no/home",
    model: model === undefined ? undefined : loaded,
    stream(method, params, options) {
      Object.assign(sent, { method, params, options });
      return new Stream(controls);
    },
  };
  return { handle, sent };
}

/** All that the wire has, as it is where nothing was said. */
const nothing = {
  text_encoder: null,
  settings: {},
  accelerate: [],
  processes: 1,
  seed: null,
  wordings: null,
  short_sides: null,
  long_side: null,
  readers: null,
};
const untouched = {
  ...nothing,
  validation: null,
  resume: false,
  epochs: null,
  batch_size: null,
  learning_rate: null,
  language_learning_rate: null,
  weight_decay: null,
  warmup_steps: null,
  milestones: null,
  clip_gradients: null,
  ema: null,
  mixed_precision: null,
  gradient_checkpointing: null,
  checkpoint_steps: null,
  frozen_stages: null,
  pieces: { masked_language: false, contrast: "none", mask_head: "none" },
};
const asFinetune = { ...untouched, method: "full", shots: null, shot_seed: 3, patience: null };

describe("what is left out is nothing on the wire, or its default", () => {
  it("finetune", () => {
    const { handle, sent } = handleOf();
    const { data, config, weights, output } = runFolder();
    const run = finetune(handle, { train: data, config, weights, output });
    expect(sent).toEqual({
      method: "training.finetune",
      params: { ...asFinetune, output, config, weights, train: [data] },
      options: { signal: undefined },
    });
    expect(run.output).toBe(output);
  });

  it("pretrain", () => {
    const { handle, sent } = handleOf();
    const { data, config, output } = runFolder();
    pretrain(handle, { train: [data, data], config, output });
    expect(sent).toEqual({
      method: "training.pretrain",
      params: { ...untouched, output, config, weights: null, train: [data, data] },
      options: { signal: undefined },
    });
  });

  it("evaluate", () => {
    const { handle, sent } = handleOf();
    const { data, config, weights, output } = runFolder();
    evaluate(handle, { data, config, weights, output });
    expect(sent).toEqual({
      method: "training.evaluate",
      params: { ...nothing, output, config, weights, data, batch_size: 1, knowledge: null },
      options: { signal: undefined },
    });
  });
});

const options: [Partial<FinetuneOptions>, Record<string, unknown>][] = [
  [{ method: "full" }, { method: "full" }],
  [{ method: "linear-probe" }, { method: "linear_probe" }],
  [{ method: "prompt" }, { method: "prompt_v2" }],
  [{ method: "prompt-v1" }, { method: "prompt_v1" }],
  [{ method: "prompt-v2" }, { method: "prompt_v2" }],
  [{ method: "prompt-v3" }, { method: "prompt_v3" }],
  [{ method: "prompt-v4" }, { method: "prompt_v4" }],
  [{ shots: 5 }, { shots: 5, shot_seed: 3 }],
  [{ shotSeed: 300 }, { shot_seed: 300 }],
  [{ patience: { learningRate: 2, stop: 4 } }, { patience: { learning_rate: 2, stop: 4 } }],
  [{ epochs: 12 }, { epochs: 12 }],
  [{ batchSize: 4 }, { batch_size: 4 }],
  [{ learningRate: 1e-4 }, { learning_rate: 1e-4 }],
  [{ languageLearningRate: 1e-5 }, { language_learning_rate: 1e-5 }],
  [{ weightDecay: 0 }, { weight_decay: 0 }],
  [{ warmupSteps: 0 }, { warmup_steps: 0 }],
  [{ milestones: [0.67, 0.89] }, { milestones: [0.67, 0.89] }],
  [{ clipGradients: 1 }, { clip_gradients: 1 }],
  [{ ema: 0 }, { ema: 0 }],
  [{ mixedPrecision: false }, { mixed_precision: false }],
  [{ gradientCheckpointing: false }, { gradient_checkpointing: false }],
  [{ checkpointSteps: 10 }, { checkpoint_steps: 10 }],
  [{ frozenStages: 0 }, { frozen_stages: 0 }],
  [{ wordings: [{ name: "cup" }] }, { wordings: [{ prefix: "", name: "cup", suffix: "" }] }],
  [
    { wordings: [{ prefix: "a ", name: "cup", suffix: " of tea" }] },
    { wordings: [{ prefix: "a ", name: "cup", suffix: " of tea" }] },
  ],
  [{ shortSides: [480, 800] }, { short_sides: [480, 800] }],
  [{ longSide: 1333 }, { long_side: 1333 }],
  [{ readers: 0 }, { readers: 0 }],
  [{ processes: 2 }, { processes: 2 }],
  [{ seed: 0 }, { seed: 0 }],
  [{ accelerate: true }, { accelerate: ["short_text", "fusion", "deformable"] }],
  [{ accelerate: false }, { accelerate: [] }],
  [{ accelerate: ["deformable"] }, { accelerate: ["deformable"] }],
  [{ settings: { "SOLVER.BASE_LR": 1 } }, { settings: { "SOLVER.BASE_LR": 1 } }],
  [{ resume: true }, { resume: true }],
  [{ pieces: { maskedLanguage: true } }, { pieces: { masked_language: true, contrast: "none", mask_head: "none" } }],
  [
    { pieces: { contrast: "backbone", maskHead: "text" } },
    { pieces: { masked_language: false, contrast: "backbone", mask_head: "text" } },
  ],
];

it.each(options)("%j is sent as %j", (given, expected) => {
  const { handle, sent } = handleOf();
  const { data, config, weights, output } = runFolder();
  finetune(handle, { train: data, config, weights, output, ...given });
  expect(sent.params).toEqual({ ...asFinetune, output, config, weights, train: [data], ...expected });
});

it("validation, the text encoder and the signal are sent", () => {
  const { handle, sent } = handleOf();
  const { folder, data, config, weights, output } = runFolder();
  const { signal } = new AbortController();
  finetune(handle, { train: data, val: data, config, weights, output, textEncoder: folder, signal });
  expect(sent.params).toMatchObject({ validation: data, text_encoder: folder });
  expect(sent.options).toEqual({ signal });
});

it("knowledge and the batch of an evaluation are sent", () => {
  const { handle, sent } = handleOf();
  const { file, data, config, weights, output } = runFolder();
  const knowledge = file("knowledge.yaml");
  evaluate(handle, { data, config, weights, output, batchSize: 2, knowledge: { file: knowledge, kind: "gpt3" } });
  expect(sent.params).toMatchObject({
    batch_size: 2,
    knowledge: { file: knowledge, kind: "gpt3", aggregation: "first", gpt3_count: 5, wiki_and_gpt3: false },
  });
});

describe("the model", () => {
  const own = {
    config: "configs/own.yaml",
    weights: "/own.pth",
    settings: { "MODEL.A": 1, "MODEL.B": 1 },
    text_encoder: "/bert",
    accelerate: ["fusion"],
  };

  it("is the handle's, with its settings, where none is named", () => {
    const { handle, sent } = handleOf({});
    const { data, output } = runFolder();
    evaluate(handle, { data, output, settings: { "MODEL.B": 2 } });
    expect(sent.params).toMatchObject({ ...own, settings: { "MODEL.A": 1, "MODEL.B": 2 } });
    finetune(handle, { train: data, output });
    expect(sent.params).toMatchObject(own);
  });

  it("is the handle's without its weights, when it is to be pre-trained", () => {
    const { handle, sent } = handleOf({});
    const { data, output } = runFolder();
    pretrain(handle, { train: data, output });
    expect(sent.params).toMatchObject({ ...own, weights: null });
  });

  it("is the handle's with other weights, when only these are named", () => {
    const { handle, sent } = handleOf({});
    const { data, weights, output } = runFolder();
    evaluate(handle, { data, output, weights });
    expect(sent.params).toMatchObject({ ...own, weights });
  });

  it("is another one without the handle's settings and text encoder", () => {
    const { handle, sent } = handleOf({});
    const { data, config, weights, output } = runFolder();
    evaluate(handle, { data, output, config, weights });
    expect(sent.params).toMatchObject({ config, weights, settings: {}, text_encoder: null });
    evaluate(handle, { data, output, model: "glip-l", weights });
    expect(sent.params).toMatchObject({ config: "configs/pretrain/glip_Swin_L.yaml", weights, settings: {} });
  });

  it("may have a configuration of the checkout", () => {
    const { handle, sent } = handleOf();
    const { data, weights, output } = runFolder();
    evaluate(handle, { data, output, config: "configs/pretrain/glip_Swin_L.yaml", weights });
    expect(sent.params).toMatchObject({ config: "configs/pretrain/glip_Swin_L.yaml" });
  });

  it("needs no weights when its run is resumed", () => {
    const { handle, sent } = handleOf();
    const { data, config, output } = runFolder();
    finetune(handle, { train: data, output, config, resume: true });
    expect(sent.params).toMatchObject({ config, weights: null, resume: true });
  });

  it("of another host is not looked for here", () => {
    const { handle, sent } = handleOf(undefined, false);
    const { data, output } = runFolder();
    const there = { config: "/there/model.yaml", weights: "/there/model.pth", textEncoder: "/there/bert" };
    finetune(handle, { train: { ...data, annotations: "/there/train.json" }, output, ...there });
    expect(sent.params).toMatchObject({ config: there.config, weights: there.weights, text_encoder: "/there/bert" });
  });
});

type Verb = "finetune" | "pretrain" | "evaluate";

/** What the verb throws at once; an error when it does not, or with another code. */
function refusal(verb: Verb, given: Record<string, unknown>, handle: TrainingHandle = handleOf().handle): GlipError {
  const { data, config, weights, output } = runFolder();
  const basis = { [verb === "evaluate" ? "data" : "train"]: data, config, weights, output };
  // What the types forbid is tried here too.
  const options = { ...basis, ...given } as unknown;
  try {
    if (verb === "finetune") finetune(handle, options as FinetuneOptions);
    else if (verb === "pretrain") pretrain(handle, options as PretrainOptions);
    else evaluate(handle, options as EvaluateOptions);
  } catch (error) {
    return error as GlipError;
  }
  throw new Error("nothing was thrown");
}

const set = { format: "coco", annotations: "a.json", images: "b" };
const wrong: [Verb, Record<string, unknown>, string][] = [
  ["finetune", { train: undefined }, "options.train: expected object, got undefined"],
  ["finetune", { train: [] }, "options.train: expected array with >=1 items, got an array of 0"],
  ["finetune", { train: { ...set, annotations: 1 } }, "options.train.annotations: expected string, got 1"],
  ["finetune", { train: [set, { ...set, annotations: 1 }] }, "options.train[1].annotations: expected string, got 1"],
  ["pretrain", { train: [{ ...set, copies: 0 }] }, "options.train[0].copies: expected number >=1, got 0"],
  ["finetune", { val: { ...set, format: "voc" } }, 'options.val.format: expected one of "coco"|"mdetr"'],
  ["finetune", { output: "" }, "options.output: expected string with >=1 characters"],
  ["finetune", { output: undefined }, "options.output: expected string, got undefined"],
  ["finetune", { epochs: 0 }, "options.epochs: expected number >=1, got 0"],
  ["finetune", { epochs: 1.5 }, "options.epochs: expected int, got 1.5"],
  ["finetune", { learningRate: 0 }, "options.learningRate: expected number >0, got 0"],
  ["finetune", { ema: 1 }, "options.ema: expected number <1, got 1"],
  ["finetune", { milestones: [0.5, 1] }, "options.milestones[1]: expected number <1, got 1"],
  ["finetune", { method: "prompt-v5" }, 'options.method: expected one of "full"|"linear-probe"|"prompt"|'],
  ["finetune", { patience: { learningRate: 2 } }, "options.patience.stop: expected number, got undefined"],
  ["finetune", { wordings: [{ prefix: "a " }] }, "options.wordings[0].name: expected string, got undefined"],
  ["finetune", { seed: 2 ** 32 }, "options.seed: expected number <=4294967295, got 4294967296"],
  [
    "finetune",
    { pieces: { contrast: "both" } },
    'options.pieces.contrast: expected one of "none"|"fpn"|"backbone", got "both"',
  ],
  ["finetune", { accelerate: ["warp"] }, "options.accelerate: expected true, false or names out of short_text, "],
  ["finetune", { model: "glip-xl" }, "options.model: expected one of glip-t-a, "],
  ["finetune", { signal: {} }, "options.signal: expected AbortSignal, got an object"],
  ["evaluate", { batchSize: 0 }, "options.batchSize: expected number >=1, got 0"],
  ["evaluate", { data: [set] }, "options.data: expected object, got an array of 1"],
  ["evaluate", { knowledge: { file: "k.yaml" } }, "options.knowledge.kind: expected string, got undefined"],
];

describe("refused at once, by name:", () => {
  it.each(wrong)("%s %j", (verb, given, message) => {
    const error = refusal(verb, given);
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: "invalid_argument", details: { path: message.split(":")[0] } });
  });

  it.each(["finetune", "pretrain", "evaluate"] as const)("%s of an option that there is not", (verb) => {
    const error = refusal(verb, { epoch: 3 });
    expect(error).toMatchObject({ code: "invalid_argument", details: { path: "options.epoch" } });
    expect(error.message).toBe("options.epoch: expected nothing of that name, got 3");
  });

  const models: [Verb, Record<string, unknown>, Partial<TrainingHandle["model"]> | undefined, ErrorCode, string][] = [
    ["finetune", { config: undefined, weights: undefined }, undefined, "invalid_argument", "options.model"],
    ["pretrain", { config: undefined, weights: undefined }, undefined, "invalid_argument", "options.model"],
    ["evaluate", { config: undefined }, undefined, "invalid_argument", "options.model"],
    ["evaluate", { weights: undefined }, {}, "invalid_argument", "options.config"],
    ["finetune", { weights: "swin-t" }, undefined, "invalid_argument", "options.weights"],
    ["evaluate", { weights: "random" }, undefined, "invalid_argument", "options.weights"],
    ["evaluate", { config: undefined, weights: undefined }, { weights: null }, "invalid_argument", "options.weights"],
    ["finetune", { weights: "no/such.pth" }, undefined, "weights_missing", "no/such.pth"],
    ["finetune", { model: "glip-t", weights: undefined }, undefined, "weights_missing", "glip-t"],
    ["pretrain", { weights: "swin-t" }, undefined, "weights_missing", "npx glip weights pull swin-t"],
    ["evaluate", { textEncoder: "/no/bert" }, undefined, "file_error", "options.textEncoder"],
    ["evaluate", { data: { ...set, images: "." } }, undefined, "file_error", "options.data.annotations"],
    ["finetune", { train: [set] }, undefined, "file_error", "options.train[0].annotations"],
    ["pretrain", { train: set }, undefined, "file_error", "options.train.annotations"],
    ["finetune", { val: set }, undefined, "file_error", "options.val.annotations"],
    ["evaluate", { knowledge: { file: "no.yaml", kind: "gpt3" } }, undefined, "file_error", "options.knowledge.file"],
  ];
  it.each(models)("%s %j with a handle of %j: %s", (verb, given, model, code, named) => {
    const error = refusal(verb, given, handleOf(model).handle);
    expect(error.code).toBe(code);
    expect(error.message).toContain(named);
  });

  it("says what to give where no model is known", () => {
    const expected = "a model: the option model (a name of the zoo), or config and weights, or a handle";
    expect(refusal("finetune", { config: undefined, weights: undefined }).message).toContain(expected);
  });
});
