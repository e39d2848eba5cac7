import type { Result } from "../protocol/methods.ts";
import type { RunDone } from "../protocol/run-events.ts";
import type { Metrics } from "./events.ts";
import { type MediaBundle, type Row, showTable } from "./table.ts";

/** What `pretrain` and `finetune` give. */
export class TrainResult {
  /** Absolute path of the run's folder. */
  readonly output: string;
  /**
   * The complete configuration. Engine official: `launch({ config, weights: checkpoint })` takes the two together; engine
   * native: the checkpoint alone says all.
   */
  readonly config: string;
  /** The last checkpoint; null when none was written. */
  readonly checkpoint: string | null;
  /** The best checkpoint by validation; null without validation. */
  readonly best: string | null;
  /** Steps that were done, and that were planned. */
  readonly steps: number;
  readonly totalSteps: number;
  /**
   * `plateau`: validation did not improve any more, and `patience` was at its end. `stopped`: it was asked to, and can be
   * resumed. `detached`: it goes on, where nobody can follow it from here.
   */
  readonly ended: "completed" | "plateau" | "stopped" | "detached";
  /** Of the last evaluation; null when there was none. */
  readonly metrics: Metrics | null;
  /** Of what the run started from; null unless `evaluateBefore` asked for it. Engine native. */
  readonly metricsBefore?: Metrics | null;
  /** Of what must not be forgotten, `replay.val`, at the end and before; null when there is none. Engine native. */
  readonly replayMetrics?: Metrics | null;
  readonly replayMetricsBefore?: Metrics | null;
  /** The tuned prompt's file; null for other methods. Engine native. */
  readonly prompt?: string | null;
  readonly seconds: number;

  /** For the verb that gives it. */
  constructor(result: Result<"training.pretrain" | "training.finetune" | "training.run"> | RunDone) {
    this.output = result.output;
    this.config = result.config;
    this.checkpoint = result.checkpoint;
    this.best = result.best;
    this.steps = result.steps;
    this.totalSteps = result.total_steps;
    this.ended = result.ended;
    this.metrics = result.metrics;
    this.seconds = result.seconds;
    if ("prompt" in result) {
      this.prompt = result.prompt;
      this.metricsBefore = result.metrics_before;
      this.replayMetrics = result.replay_metrics;
      this.replayMetricsBefore = result.replay_metrics_before;
    }
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    return showTable([
      ["ended", this.ended],
      ["steps", `${this.steps} of ${this.totalSteps}`],
      ...metricRows(this.metrics ?? {}),
      ["checkpoint", this.checkpoint ?? "none"],
      ["best", this.best ?? "none"],
      ["config", this.config],
      ["seconds", this.seconds.toFixed(1)],
    ]);
  }
}

/** What `evaluate` gives. */
export class EvaluateResult {
  readonly metrics: Metrics;
  /** AP of each category by its name, 0 to 1; null where the data has none of it. */
  readonly perCategory: Readonly<Record<string, number | null>>;
  /** File with the predictions in COCO's result format; null when none was written. */
  readonly predictions: string | null;
  /** Absolute path of the run's folder. */
  readonly output: string;
  /** The complete configuration that was used. */
  readonly config: string;
  readonly seconds: number;

  /** For the verb that gives it. */
  constructor(result: Result<"training.evaluate">) {
    this.metrics = result.metrics;
    this.perCategory = result.per_category;
    this.predictions = result.predictions;
    this.output = result.output;
    this.config = result.config;
    this.seconds = result.seconds;
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    const perCategory = Object.entries(this.perCategory).map(([name, value]): Row => [`AP of ${name}`, decimal(value)]);
    return showTable([...metricRows(this.metrics), ...perCategory]);
  }
}

function metricRows(metrics: Metrics): Row[] {
  return Object.entries(metrics).map(([name, value]): Row => [name, decimal(value)]);
}

function decimal(value: number | null | undefined): string {
  return typeof value === "number" ? value.toFixed(3) : "–";
}
