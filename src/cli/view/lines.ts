import type { StepEvent, TrainingEvent } from "../../training/events.ts";
import { metricsText } from "./frame.ts";
import { duration, number } from "./words.ts";

/** `step 1200 of 20000  total 1.23  tokens 0.53  8.4 pictures/s  2 h 3 min left` */
export function stepLine({ step, totalSteps, losses, picturesPerSecond, etaSeconds }: StepEvent): string {
  const { total, ...others } = losses;
  const values = Object.entries({ total, ...others }).map(([name, value]) => `${name} ${number(value)}`);
  const rate = picturesPerSecond === undefined ? [] : [`${number(picturesPerSecond)} pictures/s`];
  return [`step ${step} of ${totalSteps}`, ...values, ...rate, `${duration(etaSeconds)} left`].join("  ");
}

/** What happens once and is worth a line of its own; undefined for the rest. */
export function milestone(event: TrainingEvent): string | undefined {
  switch (event.type) {
    case "start":
      return event.step === undefined || event.step === 0 ? undefined : `going on after step ${event.step}`;
    case "evaluation": {
      const where = event.step === null ? "measured" : event.step === 0 ? "before training" : `step ${event.step}`;
      return `${where}: ${metricsText(event.metrics)}`;
    }
    case "checkpoint":
      return event.best ? `best so far${event.step === null ? "" : ` (step ${event.step})`}: ${event.path}` : undefined;
    case "warning":
      return `warning: ${event.text}`;
    case "step":
    case "progress":
    case "sample":
    case "log":
    case "done":
      return undefined;
  }
}
