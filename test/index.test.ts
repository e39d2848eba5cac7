import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import * as sdk from "../src/index.ts";
import { root } from "./support/compile.ts";

// What users can import. A name that goes breaks their programs; one that comes is a promise: change this knowingly.
const values = [
  "GlipError",
  "Tensor",
  "coco",
  "connect",
  "dtypes",
  "generateCurveKeys",
  "isGlipError",
  "launch",
  "mdetr",
  "pullWeights",
  "sceneSplits",
  "scenes",
  "writeScenes",
  "zoo",
];
const types = [
  "Acceleration",
  "BatchOptions",
  "Box",
  "CallOptions",
  "CheckpointEvent",
  "CocoOptions",
  "CocoResult",
  "ConnectOptions",
  "ConnectionOptions",
  "CurveKeyPair",
  "CurveKeys",
  "DType",
  "DTypeArrays",
  "Dataset",
  "DatasetOptions",
  "DetectAllOptions",
  "DetectOptions",
  "DetectStreamOptions",
  "DetectedObject",
  "Detections",
  "DetectionsData",
  "Device",
  "DrawOptions",
  "DrawingOptions",
  "EmbedChoice",
  "Embeddings",
  "ErrorCode",
  "ErrorDetails",
  "EvaluateOptions",
  "EvaluateResult",
  "EvaluationEvent",
  "Event",
  "FinetuneMethod",
  "FinetuneOptions",
  "Glip",
  "GlipEvents",
  "GroundAllOptions",
  "GroundOptions",
  "GroundedObject",
  "GroundedPhrase",
  "Grounding",
  "GroundingData",
  "ImageInput",
  "KnowledgeOptions",
  "LaunchOptions",
  "LoadedModel",
  "LogEvent",
  "LogLine",
  "Logger",
  "LookOptions",
  "Losses",
  "MethodName",
  "Metrics",
  "ModelOptions",
  "NestedArray",
  "Params",
  "PhraseInput",
  "PretrainOptions",
  "ProgressEvent",
  "PullOptions",
  "PullProgress",
  "PulledWeights",
  "PythonObject",
  "PythonWindow",
  "RawPixels",
  "Ready",
  "Result",
  "Run",
  "RunModelOptions",
  "RunOptions",
  "SaveOptions",
  "SceneSample",
  "SceneSplit",
  "ScenesOptions",
  "ScenesProgress",
  "StartEvent",
  "StepEvent",
  "Stream",
  "StreamName",
  "TrainResult",
  "TrainingEvent",
  "TrainingOptions",
  "TrainingPieces",
  "TransportChoice",
  "Wording",
  "WorkerDeath",
  "WriteScenesOptions",
  "WrittenScenes",
  "ZooEntry",
  "ZooFigures",
];

it("exports these values", () => {
  expect(new Set(Object.keys(sdk))).toEqual(new Set(values));
});

it("exports these types", () => {
  const source = readFileSync(join(root, "src", "index.ts"), "utf8");
  const exported = [...source.matchAll(/^export (type )?\{([^}]*)\}/gm)].flatMap(([, onlyTypes, names = ""]) =>
    names
      .split(",")
      .map((name) => name.trim())
      .filter((name) => name !== "" && (onlyTypes !== undefined || name.startsWith("type ")))
      .map((name) => name.replace(/^type /, "")),
  );
  expect(new Set(exported)).toEqual(new Set(types));
});
