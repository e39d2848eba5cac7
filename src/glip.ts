import type { GlipError } from "./errors.ts";
import type { Dataset } from "./datasets/dataset.ts";
import type { ImageInput } from "./images/source.ts";
import {
  type BenchmarkEvent,
  evaluateBenchmark,
  type EvaluateBenchmarkOptions,
  isOfBenchmark,
} from "./evaluation/benchmark.ts";
import type { BenchmarkName } from "./evaluation/benchmark-metrics.ts";
import type { BenchmarkResult } from "./evaluation/benchmark-result.ts";
import {
  evaluateScenes,
  type EvaluateScenesOptions,
  type EvaluationProgress,
  isOfScenes,
  type SceneEvaluation,
  type SceneTask,
} from "./evaluation/scenes.ts";
import { Handle } from "./handle.ts";
import { answer, type AnswerOptions } from "./tasks/answer.ts";
import { caption, type CaptionOptions, type CaptionStream, captionStream } from "./tasks/caption.ts";
import { detect, type DetectOptions } from "./tasks/detect.ts";
import { detectAll, type DetectAllOptions } from "./tasks/detect-all.ts";
import { detectStream, type DetectStreamOptions } from "./tasks/detect-stream.ts";
import { embed, type EmbedChoice, type Embeddings } from "./tasks/embed.ts";
import { groundAll, type GroundAllOptions } from "./tasks/ground-all.ts";
import { ground, type GroundOptions } from "./tasks/ground.ts";
import type { Answered } from "./tasks/results/answered.ts";
import type { Captioned } from "./tasks/results/captioned.ts";
import type { DetectedObject, Detections, Masked } from "./tasks/results/detections.ts";
import type { GroundedObject, Grounding } from "./tasks/results/grounding.ts";
import { segment, segmentAll, type Segmentation } from "./tasks/segment.ts";
import { openView, type View, type ViewOptions } from "./tasks/view.ts";
import { evaluate } from "./training/evaluate.ts";
import type { TrainingEvent } from "./training/events.ts";
import { finetune } from "./training/finetune.ts";
import { checkData, type CheckDataOptions, type DataReport } from "./training/native/check-data.ts";
import type { NativeFinetuneOptions, NativePretrainOptions } from "./training/native/options.ts";
import { usePrompts } from "./training/native/prompts.ts";
import type { EvaluateOptions, FinetuneOptions, PretrainOptions } from "./training/options.ts";
import { pretrain } from "./training/pretrain.ts";
import type { EvaluateResult } from "./training/results.ts";
import type { Run } from "./training/run.ts";
import type { TrainingRun } from "./training/training-run.ts";

/**
 * A handle on one worker or several. Calls may be made concurrently; each goes to the worker with the fewest under way.
 * Close it, or declare it with `await using`: until then its workers live and keep this process alive.
 */
export class Glip extends Handle {
  /**
   * Finds objects of the named categories in a picture: any words, not a fixed list.
   * @example (await glip.detect("street.jpg", ["person", "red car"])).objects[0] // { label, score, box, … }
   * @throws GlipError `invalid_argument` (too many words for the model, too), `file_error`, `download_failed`,
   *   `image_invalid`, `unsupported` when the worker has no model, and as `call`
   */
  detect(image: ImageInput, categories: readonly string[], options?: DetectOptions): Promise<Detections> {
    return detect(this, image, categories, options);
  }

  /**
   * Finds what the phrases of a caption speak of in a picture.
   * @example await glip.ground("street.jpg", "a man holds an umbrella", { phrases: ["a man", "an umbrella"] })
   * @throws GlipError as `detect`
   */
  ground(image: ImageInput, caption: string, options?: GroundOptions): Promise<Grounding> {
    return ground(this, image, caption, options);
  }

  /**
   * Finds objects and their pixels: of categories, or of what the phrases of a caption speak of. On the engine native, by a
   * model with a mask head.
   * @example (await glip.segment("street.jpg", ["dog"])).objects[0]?.mask.pixels()
   * @throws GlipError as `detect`; `unsupported` for a model that finds boxes alone
   */
  segment(
    image: ImageInput,
    categories: readonly string[],
    options?: DetectOptions,
  ): Promise<Detections<Masked<DetectedObject>>>;
  segment(image: ImageInput, caption: string, options?: GroundOptions): Promise<Grounding<Masked<GroundedObject>>>;
  segment(
    image: ImageInput,
    text: string | readonly string[],
    options?: DetectOptions & GroundOptions,
  ): Promise<Segmentation> {
    return segment(this, image, text, options);
  }

  /**
   * Answers a question about a picture by one of several candidates, and finds what the question speaks of.
   * @example (await glip.answer("street.jpg", "how many dogs are there?", { answers: ["one", "two", "three"] })).answer
   * @throws GlipError as `detect`; `unsupported` for a model that answers nothing
   */
  answer(image: ImageInput, question: string, options?: AnswerOptions): Promise<Answered> {
    return answer(this, image, question, options);
  }

  /**
   * Tells what is in a picture, and finds what the caption's noun phrases speak of.
   * @example (await glip.caption("street.jpg", { mode: "beam" })).caption
   * @throws GlipError as `answer`
   */
  caption(image: ImageInput, options?: CaptionOptions): Promise<Captioned> {
    return caption(this, image, options);
  }

  /**
   * As `caption`, word by word.
   * @example for await (const text of glip.captionStream("street.jpg")) process.stdout.write(text);
   * @throws GlipError `invalid_argument` at once; from the iteration and `result`, as `caption`
   */
  captionStream(image: ImageInput, options?: CaptionOptions): CaptionStream {
    return captionStream(this, image, options);
  }

  /**
   * Looks at a picture once and holds what was seen, for many questions about it; on the engine native.
   * @example
   * await using view = await glip.look("street.jpg");
   * const [dogs, cars] = await Promise.all([view.detect(["dog"]), view.ground("a red car")]);
   * @throws GlipError `invalid_argument`, `file_error`, `download_failed`, `image_invalid`, `unsupported`, and as `call`
   */
  look(image: ImageInput, options?: ViewOptions): Promise<View> {
    return openView(this.staying(), image, options);
  }

  /**
   * Finds objects in many pictures; those that wait for the worker together may be computed together. Each picture has
   * its answer, in their order: what was found, or the error that concerns it alone. `timeoutMs` is each picture's.
   * @param categories for all pictures, or a list for each
   * @example for (const seen of await glip.detectAll(["a.jpg", "b.jpg"], ["dog"])) if (isGlipError(seen)) …
   * @throws GlipError `invalid_argument` before anything is sent, `cancelled`
   */
  detectAll(
    images: readonly ImageInput[],
    categories: readonly string[] | readonly (readonly string[])[],
    options?: DetectAllOptions,
  ): Promise<(Detections | GlipError)[]> {
    return detectAll(this, images, categories, options);
  }

  /**
   * Grounds captions in many pictures, as `detectAll` does.
   * @param captions for all pictures, or one for each
   * @throws GlipError as `detectAll`
   */
  groundAll(
    images: readonly ImageInput[],
    captions: string | readonly string[],
    options?: GroundAllOptions,
  ): Promise<(Grounding | GlipError)[]> {
    return groundAll(this, images, captions, options);
  }

  /**
   * Finds objects and their pixels in many pictures, as `detectAll` does; the categories or the caption are for all.
   * @throws GlipError as `detectAll`
   */
  segmentAll(
    images: readonly ImageInput[],
    categories: readonly string[],
    options?: DetectAllOptions,
  ): Promise<(Detections<Masked<DetectedObject>> | GlipError)[]>;
  segmentAll(
    images: readonly ImageInput[],
    caption: string,
    options?: GroundAllOptions,
  ): Promise<(Grounding<Masked<GroundedObject>> | GlipError)[]>;
  segmentAll(
    images: readonly ImageInput[],
    text: string | readonly string[],
    options?: DetectAllOptions & GroundAllOptions,
  ): Promise<(Segmentation | GlipError)[]> {
    return segmentAll(this, images, text, options);
  }

  /**
   * Finds objects in frames as they come, in their order. A frame is only taken from the source when there is room for it
   * (`concurrency`), so a slow reader or worker holds the source back; leaving the loop cancels what is under way.
   * @example for await (const seen of glip.detectStream(frames, ["person"])) console.log(seen.objects.length);
   * @throws GlipError at once: `invalid_argument`; from the iteration: as `detect`, unless `onError` hears of it
   */
  detectStream(
    frames: AsyncIterable<ImageInput> | Iterable<ImageInput>,
    categories: readonly string[],
    options?: DetectStreamOptions,
  ): AsyncGenerator<Detections, void, undefined> {
    return detectStream(this, frames, categories, options);
  }

  /**
   * Finds objects, and gives the vectors that they were found by: one for each object's region and one for each category
   * or phrase, all in one space. Where the model fuses text and picture, as GLIP does, both depend on both.
   * @example const { found, regions, texts } = await glip.embed("street.jpg", ["dog", "cat"], { threshold: 0.3 })
   * @throws GlipError as `detect`; `unsupported` for a model that has no such vectors
   */
  embed(
    image: ImageInput,
    categories: readonly string[],
    options?: DetectOptions & EmbedChoice,
  ): Promise<Embeddings<Detections>>;
  embed(image: ImageInput, caption: string, options?: GroundOptions & EmbedChoice): Promise<Embeddings<Grounding>>;
  embed(
    image: ImageInput,
    text: string | readonly string[],
    options?: DetectOptions & GroundOptions & EmbedChoice,
  ): Promise<Embeddings> {
    return embed(this, image, text, options);
  }

  /**
   * Adapts a model to data of your own. The worker does nothing else meanwhile: other calls of this handle wait, unless
   * it has more workers. Launch a second handle to go on using a model.
   * @example for await (const event of glip.finetune({ train: coco("train.json", "images"), output: "runs/mine" })) …
   * @throws GlipError at once: `invalid_argument`, `file_error`, `weights_missing`, `weights_mismatch`; from the run's
   *   iteration and its result: `dataset_invalid`, `config_invalid`, `loss_not_finite`, `out_of_memory`, `disk_full`,
   *   `rank_died`, `training_failed`, `unknown_method` when the engine does not train, and as `stream`
   */
  finetune(options: FinetuneOptions): TrainingRun;
  finetune(options: NativeFinetuneOptions): TrainingRun;
  finetune(options: FinetuneOptions | NativeFinetuneOptions): TrainingRun {
    return finetune(this, options);
  }

  /**
   * Trains a model from a backbone's weights, or from nothing. The worker does nothing else meanwhile: see `finetune`.
   * @throws GlipError as `finetune`
   */
  pretrain(options: PretrainOptions): TrainingRun;
  pretrain(options: NativePretrainOptions): TrainingRun;
  pretrain(options: PretrainOptions | NativePretrainOptions): TrainingRun {
    return pretrain(this, options);
  }

  /**
   * Reads annotations, and says all that is wrong with them at once; on the engine native.
   * @example (await glip.checkData(coco("train.json", "images"))).problems // 0
   * @throws GlipError `invalid_argument`, `file_error`, and as `call`
   */
  checkData(data: Dataset | readonly Dataset[], options?: CheckDataOptions): Promise<DataReport> {
    return checkData(this, data, options);
  }

  /**
   * Loads tuned prompts beside the model, in place of those of an earlier call: `detect` with `prompt` chooses one. A
   * worker that is restarted loads them again. On the engine native.
   * @param prompts name to the file that prompt tuning wrote
   * @returns the categories that each is tied to
   * @example await glip.usePrompts({ fish: "runs/aquarium/prompt.safetensors" })
   * @throws GlipError `invalid_argument`, `file_error`, `weights_mismatch` for one of other weights, and as `call`
   */
  usePrompts(prompts: Readonly<Record<string, string>>): Promise<Record<string, string[]>> {
    return usePrompts(prompts, this.local, (params) => this.callEach("model.prompts", params));
  }

  /**
   * Measures a model on annotated pictures: the handle's own by a benchmark, on either engine, or on scenes, on the native
   * one; any on a set in COCO's format, by the official scripts. The worker does nothing else meanwhile: see `finetune`.
   * @example (await glip.evaluate({ benchmark: "coco", data: "/data", output: "runs/coco" }).result).metrics.box.AP
   * @example (await glip.evaluate({ data: await sceneSplit("val"), task: "detect" }).result).metrics.AP
   * @example (await glip.evaluate({ data: coco("val.json", "images"), output: "runs/val" }).result).metrics.AP
   * @throws GlipError as `finetune`; `benchmark_incomplete` with all files that a benchmark lacks; `unsupported` for data
   *   that the handle's engine cannot measure on
   */
  evaluate<Name extends BenchmarkName>(
    options: EvaluateBenchmarkOptions<Name>,
  ): Run<BenchmarkEvent, BenchmarkResult<Name>>;
  evaluate<Task extends SceneTask>(
    options: EvaluateScenesOptions<Task>,
  ): Run<EvaluationProgress, SceneEvaluation<Task>, null>;
  evaluate(options: EvaluateOptions): Run<TrainingEvent, EvaluateResult>;
  evaluate(
    options: EvaluateBenchmarkOptions | EvaluateScenesOptions | EvaluateOptions,
  ):
    | Run<BenchmarkEvent, BenchmarkResult>
    | Run<EvaluationProgress, SceneEvaluation, null>
    | Run<TrainingEvent, EvaluateResult> {
    if (isOfBenchmark(options)) return evaluateBenchmark(this, options);
    return isOfScenes(options) ? evaluateScenes(this, options) : evaluate(this, options);
  }
}
