import { writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { Stream, type StreamControls } from "../../../src/bridge/stream.ts";
import { yolo } from "../../../src/datasets/yolo.ts";
import { shipped } from "../../../src/environment/weights/shipped.ts";
import type { ErrorCode, GlipError } from "../../../src/errors.ts";
import { finetune } from "../../../src/training/finetune.ts";
import type { TrainingHandle } from "../../../src/training/handle.ts";
import type { NativeFinetuneOptions } from "../../../src/training/native/options.ts";
import { pretrain } from "../../../src/training/pretrain.ts";
import { checkParams } from "../../../src/protocol/validate.ts";
import { failure } from "../../support/faults.ts";
import { runFolder } from "../../support/training.ts";

const controls: StreamControls = { grant: () => {}, cancel: () => {} };
const nano = shipped[0]?.path as string;

/** A handle that keeps what is sent, once it fits the wire, instead of sending it. */
function handleOf(given: { model?: Partial<TrainingHandle["model"]>; local?: boolean; engine?: string } = {}) {
  const sent: { method?: string; params?: Record<string, unknown>; options?: unknown } = {};
  const { local = true, engine = "native" } = given;
  const unused = { textEncoder: null, accelerate: [], parameters: 1, tensors: 1, ignored: [], seconds: 1 };
  const model = { config: "auto", weights: nano, settings: { "text.dropout": 0 }, ...unused, ...given.model };
  const handle: TrainingHandle = {
    local,
    info: { engine },
    home: "/no/home",
    model: "model" in given && given.model === undefined ? undefined : model,
    stream(method, params, options) {
      Object.assign(sent, { method, params: checkParams(method, params), options });
      return new Stream(controls);
    },
  };
  return { handle, sent };
}

/** The wire where nothing was said: Python has the defaults. */
const noAsking = { full: null, names: null, sentences_every: null, questions: null, captions: null };
const noLosses = { grounding: null, inter: null, mlm: null, masks: null, answers: null, captions: null };

const nothing = {
  resume: false,
  detached: false,
  checkpoint_steps: null,
  keep_checkpoints: null,
  evaluate_steps: null,
  evaluate_before: false,
  sample_pictures: null,
  device: null,
  processes: 1,
  nodes: null,
  config: "auto",
  weights: nano,
  settings: { "text.dropout": 0 },
  method: "full",
  freeze: [],
  frozen_stages: null,
  validation: null,
  problems: "fail",
  shots: null,
  shot_seed: null,
  replay: null,
  asking: noAsking,
  augment: { flip: null, move: null, zoom: null, jitter: null },
  short_sides: null,
  long_side: null,
  readers: null,
  steps: null,
  epochs: null,
  batch_size: null,
  accumulation: null,
  learning_rate: null,
  language_learning_rate: null,
  backbone_factor: null,
  weight_decay: null,
  warmup_steps: null,
  schedule: null,
  milestones: null,
  patience: null,
  clip_gradients: null,
  ema: null,
  precision: null,
  gradient_checkpointing: null,
  losses: noLosses,
  seed: null,
};

describe("what is left out is the default of Python", () => {
  it("finetune: the handle's model", () => {
    const { handle, sent } = handleOf();
    const { data, output } = runFolder();
    const run = finetune(handle, { train: data, output });
    const train = [{ ...data, share: null }];
    expect(sent).toEqual({
      method: "training.run",
      params: { ...nothing, kind: "finetune", output, train },
      options: { signal: undefined },
    });
    expect(run.output).toBe(output);
  });

  it("pretrain: the handle's configuration, from random weights", () => {
    const { handle, sent } = handleOf();
    const { data, output } = runFolder();
    pretrain(handle, { train: [data, data], output });
    const train = [data, data].map((set) => ({ ...set, share: null }));
    expect(sent.params).toEqual({ ...nothing, kind: "pretrain", config: "glip-nano", weights: null, output, train });
  });
});

const set = { format: "scenes", folder: "." } as const;
const sent = { format: "scenes", folder: process.cwd(), copies: 1, share: null };
const options: [Partial<NativeFinetuneOptions>, Record<string, unknown>][] = [
  [{ method: "linear-probe" }, { method: "linear_probe" }],
  [{ method: "prompt" }, { method: "prompt" }],
  [{ shots: 5 }, { shots: 5 }],
  [{ shotSeed: 300 }, { shot_seed: 300 }],
  [{ patience: { learningRate: 2, stop: 4 } }, { patience: { learning_rate: 2, stop: 4 } }],
  [{ replay: { data: [set] } }, { replay: { sources: [sent], share: 0.5, validation: null } }],
  [{ replay: { data: [set], share: 0.1, val: set } }, { replay: { sources: [sent], share: 0.1, validation: sent } }],
  [{ train: [set, { ...set, copies: 3, share: 0.2 }] }, { train: [sent, { ...sent, copies: 3, share: 0.2 }] }],
  [{ val: set }, { validation: sent }],
  [{ problems: "drop" }, { problems: "drop" }],
  [{ asking: { full: 1 } }, { asking: { ...noAsking, full: 1 } }],
  [{ asking: { names: 9, sentencesEvery: 0 } }, { asking: { ...noAsking, names: 9, sentences_every: 0 } }],
  [{ asking: { questions: 0.5, captions: 0 } }, { asking: { ...noAsking, questions: 0.5, captions: 0 } }],
  [{ augment: { flip: 0, move: 1 } }, { augment: { flip: 0, move: 1, zoom: null, jitter: null } }],
  [{ augment: { zoom: 2, jitter: 0.5 } }, { augment: { flip: null, move: null, zoom: 2, jitter: 0.5 } }],
  [
    { shortSides: [480, 800], longSide: 1333 },
    { short_sides: [480, 800], long_side: 1333 },
  ],
  [{ readers: 4 }, { readers: 4 }],
  [{ steps: 100 }, { steps: 100 }],
  [{ epochs: 0.5 }, { epochs: 0.5 }],
  [
    { batchSize: 4, accumulation: 2 },
    { batch_size: 4, accumulation: 2 },
  ],
  [
    { learningRate: 1e-4, languageLearningRate: 1e-5 },
    { learning_rate: 1e-4, language_learning_rate: 1e-5 },
  ],
  [{ backboneFactor: 0 }, { backbone_factor: 0 }],
  [
    { weightDecay: 0, warmupSteps: 0 },
    { weight_decay: 0, warmup_steps: 0 },
  ],
  [
    { schedule: "steps", milestones: [0.5] },
    { schedule: "steps", milestones: [0.5] },
  ],
  [
    { clipGradients: 0, ema: 0 },
    { clip_gradients: 0, ema: 0 },
  ],
  [
    { precision: "bfloat16", gradientCheckpointing: true },
    { precision: "bfloat16", gradient_checkpointing: true },
  ],
  [
    { freeze: ["text"], frozenStages: 2 },
    { freeze: ["text"], frozen_stages: 2 },
  ],
  [{ losses: { inter: 0.5 } }, { losses: { ...noLosses, inter: 0.5 } }],
  [{ losses: { grounding: 0, mlm: 1, masks: 2 } }, { losses: { ...noLosses, grounding: 0, mlm: 1, masks: 2 } }],
  [{ losses: { answers: 1, captions: 2 } }, { losses: { ...noLosses, answers: 1, captions: 2 } }],
  [{ seed: 0 }, { seed: 0 }],
  [
    { resume: true, detached: true, checkpointSteps: 10 },
    { resume: true, detached: true, checkpoint_steps: 10 },
  ],
  [
    { keepCheckpoints: 1, evaluateSteps: 5 },
    { keep_checkpoints: 1, evaluate_steps: 5 },
  ],
  [
    { evaluateBefore: true, samplePictures: 0 },
    { evaluate_before: true, sample_pictures: 0 },
  ],
  [
    { device: "cuda:1", processes: 2 },
    { device: "cuda:1", processes: 2 },
  ],
  [
    { nodes: { count: 2, rank: 1, endpoint: "first:29400" } },
    { nodes: { count: 2, rank: 1, endpoint: "first:29400", rendezvous: "static" } },
  ],
  [
    { nodes: { count: 2, rank: 0, endpoint: "[::1]:29400", rendezvous: "c10d" } },
    { nodes: { count: 2, rank: 0, endpoint: "[::1]:29400", rendezvous: "c10d" } },
  ],
];

it.each(options)("%j is sent as %j", (given, expected) => {
  const { handle, sent: seen } = handleOf();
  const { data, output } = runFolder();
  finetune(handle, { train: data, output, ...given });
  const train = [{ ...data, share: null }];
  expect(seen.params).toEqual({ ...nothing, kind: "finetune", output, train, ...expected });
});

describe("the model", () => {
  it("is another one by its name, without the handle's settings", () => {
    const { handle, sent: seen } = handleOf({ model: { config: "glip-t", weights: "/own.pth" } });
    const { data, output } = runFolder();
    finetune(handle, { train: data, output, model: "glip-nano" });
    expect(seen.params).toMatchObject({ config: "auto", weights: nano, settings: {} });
    pretrain(handle, { train: data, output, model: "glip-t" });
    expect(seen.params).toMatchObject({ config: "glip-t", weights: null, settings: {} });
  });

  it("is the handle's, with other weights and settings beside its own", () => {
    const { handle, sent: seen } = handleOf({ model: { config: "glip-t" } });
    const { data, weights, output } = runFolder();
    finetune(handle, { train: data, output, weights, settings: { "fpn.drop_block": 0 } });
    expect(seen.params).toMatchObject({
      config: "glip-t",
      weights,
      settings: { "text.dropout": 0, "fpn.drop_block": 0 },
    });
    pretrain(handle, { train: data, output, weights });
    expect(seen.params).toMatchObject({ config: "glip-t", weights });
  });

  it("may be described, in a file or at once", () => {
    const { handle, sent: seen } = handleOf();
    const { data, config, output } = runFolder();
    writeFileSync(config, '{"head": {"blocks": 3}}');
    pretrain(handle, { train: data, output, config });
    expect(seen.params).toMatchObject({ config: { head: { blocks: 3 } }, weights: null, settings: {} });
    const { handle: own, sent: again } = handleOf({ model: { config } });
    pretrain(own, { train: data, output });
    expect(again.params).toMatchObject({ config: { head: { blocks: 3 } }, weights: null });
    for (const [text, reason] of [
      ["{", "it is no JSON: "],
      ["[1]", "it has no JSON object in it"],
    ] as const) {
      writeFileSync(config, text);
      expect(() => pretrain(handle, { train: data, output, config })).toThrow(`cannot use ${config}: ${reason}`);
    }
    pretrain(handle, { train: data, output, config: { head: { blocks: 2 } } });
    expect(seen.params).toMatchObject({ config: { head: { blocks: 2 } }, weights: null });
  });

  it("of another host is not looked for here, nor are the data", () => {
    const { handle, sent: seen } = handleOf({ local: false });
    const { data, output } = runFolder();
    finetune(handle, { train: { ...data, annotations: "/there/a.json" }, output, weights: "/there/model.safetensors" });
    expect(seen.params).toMatchObject({ weights: "/there/model.safetensors" });
  });
});

describe("a run that cannot be asked", () => {
  it.each([
    ["on another host", { local: false }, "it is on another host"],
    ["of the engine official", { engine: "official" }, "the engine official only ends"],
  ])("says so: %s", async (_, given, reason) => {
    const { data, config, weights, output } = runFolder();
    const run = finetune(handleOf(given).handle, { train: data, config, weights, output });
    for (const asked of [run.stop(), run.checkpoint()])
      expect((await failure(asked, "unsupported")).message).toContain(`The run cannot be asked: ${reason}`);
  });
});

type Verb = "finetune" | "pretrain";

function refusal(verb: Verb, given: Record<string, unknown>, handle = handleOf().handle): GlipError {
  const { data, output } = runFolder();
  // What the types forbid is tried here too.
  const all = { train: data, output, ...given } as never;
  try {
    if (verb === "finetune") finetune(handle, all);
    else pretrain(handle, all);
  } catch (error) {
    return error as GlipError;
  }
  throw new Error("nothing was thrown");
}

const native = "is an option of the engine native, and this handle's trains with official";
const official = "is an option of the engine official, and this handle's trains with native";

describe("refused at once, by name:", () => {
  it.each<[Verb, Record<string, unknown>, string]>([
    ["finetune", { train: undefined }, "options.train: expected object, got undefined"],
    ["finetune", { train: [] }, "options.train: expected array with >=1 items, got an array of 0"],
    [
      "finetune",
      { train: { format: "kitti" } },
      "options.train.format: expected one of coco, lvis, odvg, mdetr, flickr30k, ",
    ],
    ["finetune", { train: [set, { ...set, share: 0 }] }, "options.train[1].share: expected number >0, got 0"],
    ["finetune", { train: { ...set, images: "b" } }, "options.train.images: expected nothing of that name"],
    [
      "finetune",
      { method: "prompt-v1" },
      'options.method: expected one of "full"|"linear-probe"|"prompt", got "prompt-v1"',
    ],
    ["finetune", { steps: 1, epochs: 2 }, "options.epochs: expected nothing beside options.steps, got 2"],
    ["pretrain", { epochs: 0 }, "options.epochs: expected number >0, got 0"],
    ["pretrain", { shots: 1 }, "options.shots: expected nothing of that name, got 1"],
    ["finetune", { losses: { inter: -1 } }, "options.losses.inter: expected number >=0, got -1"],
    ["finetune", { losses: { intra: 1 } }, "options.losses.intra: expected nothing of that name"],
    ["finetune", { augment: { zoom: 0.5 } }, "options.augment.zoom: expected number >=1, got 0.5"],
    ["finetune", { replay: { data: set } }, "options.replay.data: expected array, got an object"],
    ["finetune", { replay: { data: [set], share: 1 } }, "options.replay.share: expected number <1, got 1"],
    ["finetune", { device: "gpu" }, 'options.device: expected cpu, mps, cuda or cuda:N, got "gpu"'],
    ["finetune", { freeze: ["fpn"] }, 'options.freeze[0]: expected one of "backbone"|"text"|"head", got "fpn"'],
    [
      "finetune",
      { nodes: { count: 2, rank: 2, endpoint: "a:1" } },
      "options.nodes.rank: expected less than count, got 2",
    ],
    [
      "finetune",
      { nodes: { count: 2, rank: 0, endpoint: "a" } },
      'options.nodes.endpoint: expected host:port, got "a"',
    ],
    ["finetune", { model: "glip-xl" }, "options.model: expected one of glip-nano, glip-t-a, "],
    ["finetune", { weights: "swin-t" }, "options.weights: expected the weights of a whole model"],
    ["finetune", { pieces: {} }, `options.pieces: expected nothing: it ${official}, got an object`],
    ["pretrain", { mixedPrecision: true }, `options.mixedPrecision: expected nothing: it ${official}, got true`],
  ])("%s %j", (verb, given, message) => {
    const error = refusal(verb, given);
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ code: "invalid_argument", details: { path: message.split(":")[0] } });
  });

  it.each<[Record<string, unknown>, string]>([
    [{ precision: "bfloat16" }, `options.precision: expected nothing: it ${native}, got "bfloat16"`],
    [{ losses: { inter: 1 } }, `options.losses: expected nothing: it ${native}, got an object`],
    [{ detached: true }, `options.detached: expected nothing: it ${native}, got true`],
    [
      { train: yolo("data.yaml", "train") },
      'options.train.format: expected one of "coco"|"mdetr" (the engine native reads',
    ],
    [{ train: [{ ...runSet(), share: 1 }] }, "options.train[0].share: expected nothing of that name, got 1"],
  ])("%j with the engine official", (given, message) => {
    for (const verb of ["finetune", "pretrain"] as const) {
      const error = refusal(verb, given, handleOf({ engine: "official" }).handle);
      expect(error.code).toBe("invalid_argument");
      expect(error.message).toContain(message);
    }
  });

  it.each<[Verb, Record<string, unknown>, object, ErrorCode, string]>([
    [
      "finetune",
      {},
      { model: undefined },
      "invalid_argument",
      "options.model: expected a model: the option model or w",
    ],
    [
      "pretrain",
      {},
      { model: undefined },
      "invalid_argument",
      "options.config: expected a configuration (a name or a f",
    ],
    [
      "pretrain",
      {},
      { model: { weights: "/own.pth" } },
      "invalid_argument",
      "options.config: expected a configuration",
    ],
    ["finetune", { weights: "glip-nano" }, { local: false }, "invalid_argument", "options.weights: expected a path on"],
    ["finetune", { weights: "no/such.pth" }, {}, "weights_missing", "no/such.pth"],
    ["finetune", { model: "glip-t" }, {}, "weights_missing", "npx glip weights pull glip-t"],
    ["pretrain", { val: { format: "yolo", file: "no.yaml", split: "val" } }, {}, "file_error", "options.val.file"],
    ["finetune", { replay: { data: [{ ...set, folder: "no" }] } }, {}, "file_error", "options.replay.data[0].folder"],
    [
      "finetune",
      { replay: { data: [set], val: { ...set, folder: "no" } } },
      {},
      "file_error",
      "options.replay.val.folder",
    ],
  ])("%s %j with a handle of %j: %s", (verb, given, handle, code, message) => {
    const error = refusal(verb, given, handleOf(handle).handle);
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  });
});

function runSet() {
  return { format: "coco", annotations: "a.json", images: "b" };
}
