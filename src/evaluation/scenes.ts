import { z } from "zod";
import type { CallOptions } from "../bridge/request.ts";
import type { Stream } from "../bridge/stream.ts";
import { scenesSchema } from "../datasets/scene-folder.ts";
import { checkSceneFolder, type SceneFolder } from "../datasets/scenes/split.ts";
import { GlipError } from "../errors.ts";
import type { Ready } from "../protocol/messages.ts";
import type { Event, Params, Result, StreamName } from "../protocol/methods.ts";
import { uint32 } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import { convert, Run } from "../training/run.ts";
import { type MediaBundle, showTable } from "../training/table.ts";

export const sceneTasks = ["detect", "ground", "segment", "answer", "caption"] as const;
export type SceneTask = (typeof sceneTasks)[number];

export interface EvaluateScenesOptions<Task extends SceneTask = SceneTask> {
  /** `await sceneSplit("val")`, or a folder that `glip scenes` wrote: `sceneFolder("scenes/val")`. */
  data: SceneFolder;
  /**
   * `detect`: all categories of the split are looked for in each picture. `ground`: the phrases of its sentences.
   * `segment`: both, and what is measured are the masks. `answer`: its questions, with all answers of the split for
   * candidates. `caption`: what is told of it, by four beams.
   */
  task: Task;
  /** The first so many. @default all */
  pictures?: number | undefined;
  /** Ends it; its iteration and its result reject with `cancelled`, `cause` the signal's reason. @default none */
  signal?: AbortSignal | undefined;
}

/** How far an evaluation is. */
export interface EvaluationProgress {
  type: "progress";
  /** Pictures that were looked at, and that will have been. */
  done: number;
  total: number;
}

/** By COCO's rules (pycocotools); null where no object is of that size. */
type AveragePrecision = {
  /** Mean over the IoU thresholds 0.5 to 0.95. */
  AP: number | null;
  AP50: number | null;
  AP75: number | null;
  /** Of small (below 32² pixels), medium and large (above 96² pixels) objects. */
  APs: number | null;
  APm: number | null;
  APl: number | null;
};

/** By task. 0 to 1 where nothing else is said. */
export interface SceneMetrics {
  /** Average precision of boxes. */
  detect: AveragePrecision;
  ground: {
    /** Phrases whose best box overlaps an object that is meant by at least 0.5 (IoU). */
    recallAt1: number;
    /** The same for who knows every box of a picture and always says the largest, and the mean for who says any. */
    largestObject: number;
    anyObject: number;
  };
  /** Average precision of masks. */
  segment: AveragePrecision & {
    /** Mean over phrases: intersection over union of what is found for one and what it speaks of. */
    meanIoU: number;
    /** The same for who knows the boxes that are meant, and takes them for the masks. */
    filledBoxes: number;
  };
  answer: {
    /** Questions whose best candidate is right. */
    accuracy: number;
    /** The same for who gives the commonest answer of each type of question. */
    majority: number;
    /** Of each type. */
    types: Record<string, { accuracy: number; majority: number; questions: number }>;
  };
  caption: {
    /** CIDEr-D, 0 to 10 (often given times 100). */
    CIDEr: number;
    /** The same for who tells every picture by the split's commonest caption. */
    oneCaption: number;
    /** The part of what the captions state that is true of the scenes, and how much one states. */
    facts: number;
    stated: number;
    /**
     * Of the captions' phrases that are true of the scene, those whose best box overlaps an object that may be meant by
     * at least 0.5 (IoU); the boxes are those of `glip.caption` without its threshold. Null where no phrase is true.
     */
    recallAt1: number | null;
    /** Of each kind of statement. */
    kinds: Record<string, { truePart: number; stated: number }>;
  };
}

/** What the evaluation on scenes gives. */
export class SceneEvaluation<Task extends SceneTask = SceneTask> {
  readonly task: Task;
  /** The name of the split's folder. */
  readonly split: string;
  readonly pictures: number;
  readonly metrics: SceneMetrics[Task];
  readonly seconds: number;

  /** For the verb that gives it. */
  constructor(task: Task, result: Result<"evaluate.scenes">) {
    this.task = task;
    this.split = result.split;
    this.pictures = result.pictures;
    // The worker measures what it was asked for.
    this.metrics = metricsOf(result.metrics) as SceneMetrics[Task];
    this.seconds = result.seconds;
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    const rows = metricRows(this.metrics);
    return showTable([["split", this.split], ["pictures", String(this.pictures)], ...rows]);
  }
}

/** What the evaluation needs of the handle. */
export interface EvaluationHandle {
  readonly local: boolean;
  readonly home?: string | undefined;
  readonly info: Ready;
  stream<Name extends StreamName>(
    method: Name,
    params: Params<Name>,
    options?: CallOptions,
  ): Stream<Event<Name>, Result<Name>>;
}

const METHOD = "evaluate.scenes";
const schema = z.strictObject({
  // How a set takes part in a mixture, which `sceneFolder` says too, is of no account here.
  data: scenesSchema,
  task: z.enum(sceneTasks),
  pictures: uint32.min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
}) satisfies z.ZodType<unknown, EvaluateScenesOptions>;

/** Whether `evaluateScenes` is meant. What callers without types give may be anything, and is then refused by one of two. */
export function isOfScenes(options: { data: { format: string } }): options is EvaluateScenesOptions {
  const { data, task } = (options ?? {}) as Partial<EvaluateScenesOptions>;
  return task !== undefined || data?.format === "scenes";
}

/** @throws GlipError `invalid_argument`, `file_error`, `unsupported` when the handle's engine cannot */
export function evaluateScenes<Task extends SceneTask>(
  handle: EvaluationHandle,
  options: EvaluateScenesOptions<Task>,
): Run<EvaluationProgress, SceneEvaluation<Task>, null> {
  const { data, pictures = null, signal } = checkArgument(schema, options, "options");
  const { task } = options;
  checkEngine(handle.info);
  if (handle.local) checkSceneFolder(data.folder);
  const stream = handle.stream(METHOD, { folder: data.folder, task, pictures }, { signal });
  const source = convert(stream, {
    event: (event): EvaluationProgress => ({ type: "progress", ...event }),
    result: (result) => new SceneEvaluation(task, result),
    error: (error) => error,
  });
  return new Run("Evaluation", null, source);
}

function checkEngine({ methods, engine }: Ready): void {
  if (methods.includes(METHOD)) return;
  const reason = `the worker's engine is ${engine}, and scenes are measured by the native one`;
  const advice = 'Launch it with engine: "native" (--engine native), which takes the released weights too.';
  throw new GlipError("unsupported", `Cannot measure on scenes: ${reason}. ${advice}`, { feature: METHOD, reason });
}

/** Each figure by its name, as it is printed; those of types and kinds after the others. */
export function metricRows(metrics: SceneMetrics[SceneTask]): (readonly [name: string, value: string])[] {
  return Object.entries(metrics).flatMap(([name, value]: [string, MetricValue]) => {
    if (typeof value !== "object" || value === null) return [[name, value?.toFixed(3) ?? "–"] as const];
    return Object.entries(value).map(([part, figures]) => [`${name}.${part}`, rowOf(figures)] as const);
  });
}

type MetricValue = number | null | Record<string, Record<string, number>>;

function rowOf(figures: Record<string, number>): string {
  return Object.entries(figures)
    .map(([name, value]) => `${name} ${Number.isInteger(value) && value > 1 ? value : value.toFixed(3)}`)
    .join(", ");
}

function metricsOf(given: Result<"evaluate.scenes">["metrics"]): SceneMetrics[SceneTask] {
  if (given.type === "ground") {
    return {
      recallAt1: given.recall_at_1,
      largestObject: given.largest_object,
      anyObject: given.any_object,
    };
  }
  if (given.type === "answer") {
    const types = given.types.map(({ type, ...figures }) => [type, figures] as const);
    return { accuracy: given.accuracy, majority: given.majority, types: Object.fromEntries(types) };
  }
  if (given.type === "caption") {
    const { cider, one_caption, facts, stated, recall_at_1: recallAt1, kinds } = given;
    const ofKinds = kinds.map(
      ({ kind, true_part, stated: count }) => [kind, { truePart: true_part, stated: count }] as const,
    );
    return { CIDEr: cider, oneCaption: one_caption, facts, stated, recallAt1, kinds: Object.fromEntries(ofKinds) };
  }
  const { ap, ap50, ap75, ap_small, ap_medium, ap_large } = given;
  const average = { AP: ap, AP50: ap50, AP75: ap75, APs: ap_small, APm: ap_medium, APl: ap_large };
  if (given.type === "detect") return average;
  return { ...average, meanIoU: given.mean_iou, filledBoxes: given.filled_boxes };
}
