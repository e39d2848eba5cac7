import type { Box } from "../../images/annotation.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import type { TrainingEvent } from "../events.ts";
import { TrainResult } from "../results.ts";

/** An event of the wire, or of a run's folder; undefined for one that an error says already. */
export function fromRunEvent(event: RunEvent): TrainingEvent | undefined {
  switch (event.type) {
    case "start": {
      const { type, step, config, command } = event;
      return { type, step, totalSteps: event.total_steps, config, command };
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
        picturesPerSecond: event.pictures_per_second,
        memoryBytes: event.memory_bytes,
        etaSeconds: event.eta_seconds,
      };
    }
    case "progress": {
      const { type, pictures } = event;
      return { type, pictures, totalPictures: event.total_pictures, etaSeconds: event.eta_seconds };
    }
    case "evaluation": {
      const { type, step, metrics, replay_metrics: replayMetrics } = event;
      return { type, step, metrics, replayMetrics };
    }
    case "checkpoint": {
      const { type, step, path, best } = event;
      return { type, step, path, best };
    }
    case "sample": {
      const { type, step, path, caption, categories } = event;
      // The schema counts the four numbers; its type does not.
      const objects = event.objects.map((object) => ({ ...object, box: object.box as unknown as Box }));
      return { type, step, path, caption, categories, objects };
    }
    case "done":
      return { type: "done", result: new TrainResult(event) };
    case "failed":
      return undefined;
    case "warning":
    case "log":
      return { type: event.type, text: event.text };
  }
}
