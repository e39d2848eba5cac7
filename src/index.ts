export { generateCurveKeys, type CurveKeyPair } from "./bridge/curve-keys.ts";
export type { TransportChoice } from "./bridge/open.ts";
export type { CallOptions } from "./bridge/request.ts";
export type { Stream } from "./bridge/stream.ts";
export type { CurveKeys } from "./bridge/transport.ts";
export { coco, type CocoDataset } from "./datasets/coco.ts";
export { cocoCaptions, type CocoCaptionsDataset } from "./datasets/coco-captions.ts";
export type { Dataset, OfficialDataset } from "./datasets/dataset.ts";
export { flickr30k, type Flickr30kDataset, type Flickr30kOptions } from "./datasets/flickr30k.ts";
export { lvis, type LvisDataset } from "./datasets/lvis.ts";
export { mdetr, type MdetrDataset } from "./datasets/mdetr.ts";
export type { DatasetOptions } from "./datasets/mixing.ts";
export { odinw, type OdinwDataset, type OdinwSplit } from "./datasets/odinw.ts";
export { odvg, type OdvgDataset, type OdvgOptions } from "./datasets/odvg.ts";
export { sceneFolder, type ScenesDataset } from "./datasets/scene-folder.ts";
export { voc, type VocDataset, type VocOptions } from "./datasets/voc.ts";
export { vqav2, type Vqav2Dataset, type Vqav2Options } from "./datasets/vqav2.ts";
export { yolo, type YoloDataset, type YoloSplit } from "./datasets/yolo.ts";
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
export { miniBenchmark, type MiniBenchmarkOptions, type MiniName } from "./datasets/benchmarks/mini.ts";
export { miniOdinwSets } from "./datasets/benchmarks/mini-odinw.ts";
export { type ErrorCode, type ErrorDetails, GlipError, isGlipError, type WorkerDeath } from "./errors.ts";
export { type BenchmarkName, type BenchmarkMetrics, benchmarkNames } from "./evaluation/benchmark-metrics.ts";
export type { BenchmarkEvent, BenchmarkSource, EvaluateBenchmarkOptions } from "./evaluation/benchmark.ts";
export type { BenchmarkResult, Figures, PictureProblem } from "./evaluation/benchmark-result.ts";
export { compare } from "./evaluation/compare.ts";
export type { Comparison, ComparisonRow } from "./evaluation/comparison.ts";
export { exportResults, type ExportedResults, type ExportResultsOptions } from "./evaluation/export-results.ts";
export { publishedFigures, type PublishedRow, type PublishedSetting } from "./evaluation/published.ts";
export type { ResultFormat, ResultPart } from "./evaluation/result-forms.ts";
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
export { Mask } from "./images/mask.ts";
export type { RawPixels } from "./images/pixels.ts";
export type { RunLengths } from "./images/rle.ts";
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
export { fewShot, type FewShotOptions, type FewShotResult, type FewShotTraining } from "./few-shot.ts";
export { sweep, type SweepOptions, type SweepPlace } from "./sweep.ts";
export type { AnswerOptions } from "./tasks/answer.ts";
export type { BatchOptions } from "./tasks/answer-each.ts";
export type { CaptionOptions, CaptionStream } from "./tasks/caption.ts";
export type { DetectAllOptions } from "./tasks/detect-all.ts";
export type { DetectStreamOptions } from "./tasks/detect-stream.ts";
export type { DetectOptions } from "./tasks/detect.ts";
export type { EmbedChoice, Embeddings } from "./tasks/embed.ts";
export type { GroundAllOptions } from "./tasks/ground-all.ts";
export type { GroundOptions } from "./tasks/ground.ts";
export type { LookOptions } from "./tasks/look.ts";
export type { PhraseInput } from "./tasks/phrases.ts";
export type { Answered, AnsweredData, RankedAnswer } from "./tasks/results/answered.ts";
export type { Captioned, CaptionedData } from "./tasks/results/captioned.ts";
export type { CocoOptions, CocoResult } from "./tasks/results/coco.ts";
export type { DetectedObject, Detections, DetectionsData, Masked } from "./tasks/results/detections.ts";
export type { GroundedObject, GroundedPhrase, Grounding, GroundingData } from "./tasks/results/grounding.ts";
export type { DrawOptions, SaveOptions } from "./tasks/results/pictured.ts";
export type { Segmentation } from "./tasks/segment.ts";
export type { UnderstandOptions } from "./tasks/understand.ts";
export type { OfView, View, ViewOptions } from "./tasks/view.ts";
export type {
  CheckpointEvent,
  DoneEvent,
  EvaluationEvent,
  LogEvent,
  Losses,
  Metrics,
  ProgressEvent,
  SampleEvent,
  StartEvent,
  StepEvent,
  TrainingEvent,
  WarningEvent,
} from "./training/events.ts";
export { attachRun, type AttachOptions } from "./training/folder/attach.ts";
export type { CheckDataOptions, CheckedData, DataProblem, DataReport } from "./training/native/check-data.ts";
export type {
  NativeAsking,
  NativeAugment,
  NativeDataOptions,
  NativeFinetuneOptions,
  NativeLossOptions,
  NativeModelOptions,
  NativeNodes,
  NativePretrainOptions,
  NativeReplay,
  NativeRunningOptions,
  NativeTrainingOptions,
} from "./training/native/options.ts";
export type { FinetuneTask } from "./training/native/tasks.ts";
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
export type { FewShotMean } from "./training/sweep/over-sets.ts";
export type { SweepGrid, SweepPoint } from "./training/sweep/points.ts";
export type { SweepResult } from "./training/sweep/result.ts";
export type { SweepGroup, SweepRow } from "./training/sweep/rows.ts";
export type { TrainingRun } from "./training/training-run.ts";
export type { LoadedModel } from "./worker/load-model.ts";
export type { LogLine } from "./worker/log.ts";
