export { generateCurveKeys, type CurveKeyPair } from "./bridge/curve-keys.ts";
export type { TransportChoice } from "./bridge/open.ts";
export type { CallOptions } from "./bridge/request.ts";
export type { Stream } from "./bridge/stream.ts";
export type { CurveKeys } from "./bridge/transport.ts";
export { coco, type Dataset, type DatasetOptions, mdetr } from "./datasets/dataset.ts";
export type { PullProgress } from "./environment/weights/meter.ts";
export { type PulledWeights, pullWeights, type PullOptions } from "./environment/weights/pull.ts";
export { zoo, type ZooEntry, type ZooFigures } from "./environment/weights/zoo.ts";
export type { PythonObject, PythonWindow } from "./environment/window.ts";
export { type SceneSample, scenes, type ScenesOptions } from "./datasets/scenes/scenes.ts";
export { type MeasuredSplit, type SceneFolder, sceneSplit, type SceneSplitOptions } from "./datasets/scenes/split.ts";
export { sceneSplits, type SceneSplit } from "./datasets/scenes/splits.ts";
export {
  writeScenes,
  type WriteScenesOptions,
  type ScenesProgress,
  type WrittenScenes,
} from "./datasets/scenes/write.ts";
export { type ErrorCode, type ErrorDetails, GlipError, isGlipError, type WorkerDeath } from "./errors.ts";
export type {
  EvaluateScenesOptions,
  EvaluationProgress,
  SceneEvaluation,
  SceneMetrics,
  SceneTask,
} from "./evaluation/scenes.ts";
export type { Glip } from "./glip.ts";
export type { DrawingOptions } from "./images/annotate.ts";
export type { Box } from "./images/annotation.ts";
export type { RawPixels } from "./images/pixels.ts";
export type { ImageInput } from "./images/source.ts";
export { connect, launch } from "./launch.ts";
export type { GlipEvents } from "./listeners.ts";
export type { Logger } from "./logger.ts";
export type { ModelOptions } from "./model-options.ts";
export { type DType, type DTypeArrays, dtypes } from "./protocol/dtype.ts";
export type { ConnectionOptions, ConnectOptions, LaunchOptions } from "./options.ts";
export type { Device, Ready } from "./protocol/messages.ts";
export type { Event, MethodName, Params, Result, StreamName } from "./protocol/methods.ts";
export type { Acceleration } from "./protocol/model.ts";
export { type NestedArray, Tensor } from "./protocol/tensor.ts";
export type { BatchOptions } from "./tasks/answer-each.ts";
export type { DetectAllOptions } from "./tasks/detect-all.ts";
export type { DetectStreamOptions } from "./tasks/detect-stream.ts";
export type { DetectOptions } from "./tasks/detect.ts";
export type { EmbedChoice, Embeddings } from "./tasks/embed.ts";
export type { GroundAllOptions } from "./tasks/ground-all.ts";
export type { GroundOptions } from "./tasks/ground.ts";
export type { LookOptions } from "./tasks/look.ts";
export type { PhraseInput } from "./tasks/phrases.ts";
export type { CocoOptions, CocoResult } from "./tasks/results/coco.ts";
export type { DetectedObject, Detections, DetectionsData } from "./tasks/results/detections.ts";
export type { GroundedObject, GroundedPhrase, Grounding, GroundingData } from "./tasks/results/grounding.ts";
export type { DrawOptions, SaveOptions } from "./tasks/results/pictured.ts";
export type {
  CheckpointEvent,
  EvaluationEvent,
  LogEvent,
  Losses,
  Metrics,
  ProgressEvent,
  StartEvent,
  StepEvent,
  TrainingEvent,
} from "./training/events.ts";
export type {
  EvaluateOptions,
  FinetuneMethod,
  FinetuneOptions,
  KnowledgeOptions,
  PretrainOptions,
  RunModelOptions,
  RunOptions,
  TrainingOptions,
  TrainingPieces,
  Wording,
} from "./training/options.ts";
export type { EvaluateResult, TrainResult } from "./training/results.ts";
export type { Run } from "./training/run.ts";
export type { LoadedModel } from "./worker/load-model.ts";
export type { LogLine } from "./worker/log.ts";
