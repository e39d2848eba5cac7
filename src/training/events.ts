import type { Box } from "../images/annotation.ts";
import type { Event } from "../protocol/methods.ts";
import type { TrainResult } from "./results.ts";

/**
 * Names and values: as the official code reports them, e.g. `loss_reg`, or the engine native's. Null: not a finite
 * number.
 */
export interface Losses {
  /** Sum of the others. */
  readonly total: number | null;
  readonly [name: string]: number | null;
}

/**
 * By the names of `glip evaluate`, 0 to 1 where nothing else is said: what the data has, and of answers and captions,
 * what is trained. Average precision has its official names. Null where the data has nothing to measure.
 */
export interface Metrics {
  /** Mean over the IoU thresholds 0.5 to 0.95. */
  readonly AP?: number | null | undefined;
  readonly AP50?: number | null | undefined;
  readonly AP75?: number | null | undefined;
  /** Of small (below 32² pixels), medium and large (above 96² pixels) objects. */
  readonly APs?: number | null | undefined;
  readonly APm?: number | null | undefined;
  readonly APl?: number | null | undefined;
  /** Part of the phrases whose best box is right (IoU of at least 0.5). Engine native. */
  readonly recallAt1?: number | null | undefined;
  /** As `AP`, of masks, with `maskAP50` and so on; where the model finds them and all objects have one. Engine native. */
  readonly maskAP?: number | null | undefined;
  /**
   * Questions answered rightly, with `types.count.accuracy` and so on where they have types, and those of who gives the
   * commonest answer of each type. Engine native.
   */
  readonly accuracy?: number | null | undefined;
  readonly majority?: number | null | undefined;
  /**
   * CIDEr-D of captions, 0 to 10, and that of who tells every picture by the commonest one; greedily told of 100
   * pictures at most. Engine native.
   */
  readonly CIDEr?: number | null | undefined;
  readonly oneCaption?: number | null | undefined;
  /** Of scenes: the part of what captions state that is true, and how much one states. Engine native. */
  readonly facts?: number | null | undefined;
  readonly stated?: number | null | undefined;
  readonly [name: string]: number | null | undefined;
}

/** The run begins. */
export interface StartEvent {
  type: "start";
  /** Null where it shows only later. */
  totalSteps: number | null;
  /** Steps that were done before, of a run that goes on. Engine native. */
  step?: number | undefined;
  /** The complete configuration that was written. */
  config: string;
  /** What runs, as one would type it. */
  command: string[];
}

/** A step of the optimizer is done. */
export interface StepEvent {
  type: "step";
  /** Counts from 1. */
  step: number;
  totalSteps: number;
  /** Passes through the data so far, with a fraction. */
  epoch: number;
  /** Weighted, averaged over the processes. */
  losses: Losses;
  learningRate: number;
  /** Of the whole step, and of it waiting for pictures. */
  seconds: number;
  dataSeconds: number;
  /** Of all processes together. Engine native. */
  picturesPerSecond?: number | undefined;
  /** Most device memory so far, of the first process; null where it is not known. */
  memoryBytes: number | null;
  /** Until the last step. */
  etaSeconds: number;
}

/** An evaluation goes on. */
export interface ProgressEvent {
  type: "progress";
  pictures: number;
  totalPictures: number;
  etaSeconds: number;
}

/** The model was measured. */
export interface EvaluationEvent {
  type: "evaluation";
  /** Null outside of a training; 0 before its first step. */
  step: number | null;
  metrics: Metrics;
  /** Of what must not be forgotten, `replay.val`; null when there is none. Engine native. */
  replayMetrics?: Metrics | null;
}

/** A checkpoint was written. */
export interface CheckpointEvent {
  type: "checkpoint";
  /** Null for the last one. */
  step: number | null;
  path: string;
  /** Whether it is the best by validation so far. */
  best: boolean;
}

/** A line of the run's log that is none of the others. */
export interface LogEvent {
  type: "log";
  text: string;
}

/** What the model sees in a picture of the validation. Engine native. */
export interface SampleEvent {
  type: "sample";
  step: number;
  /** The picture's file, on the worker's host. */
  path: string;
  /** What was asked for: a caption, or categories; the other is null. */
  caption: string | null;
  categories: string[] | null;
  /** Best score first. */
  objects: { label: string; score: number; box: Box }[];
}

/** Something that deserves a look, e.g. annotations that were left out. Engine native. */
export interface WarningEvent {
  type: "warning";
  text: string;
}

/** The run is over; the last event. Engine native. */
export interface DoneEvent {
  type: "done";
  result: TrainResult;
}

/** What happens on the way; `type` tells them apart. */
export type TrainingEvent =
  | StartEvent
  | StepEvent
  | ProgressEvent
  | EvaluationEvent
  | CheckpointEvent
  | SampleEvent
  | WarningEvent
  | LogEvent
  | DoneEvent;

/** An event as it came over the wire. */
export type WireEvent = Event<"training.pretrain" | "training.finetune" | "training.evaluate">;

export function toTrainingEvent(event: WireEvent): TrainingEvent {
  switch (event.type) {
    case "start": {
      const { total_steps: totalSteps, ...rest } = event;
      return { ...rest, totalSteps };
    }
    case "step": {
      const { type, step, epoch, losses, seconds } = event;
      return {
        type,
        step,
        totalSteps: event.total_steps,
        epoch,
        losses: { ...losses, total: losses["total"] ?? null },
        learningRate: event.learning_rate,
        seconds,
        dataSeconds: event.data_seconds,
        memoryBytes: event.memory_bytes,
        etaSeconds: event.eta_seconds,
      };
    }
    case "progress": {
      const { type, pictures } = event;
      return { type, pictures, totalPictures: event.total_pictures, etaSeconds: event.eta_seconds };
    }
    case "evaluation":
    case "checkpoint":
    case "log":
      return event;
  }
}
