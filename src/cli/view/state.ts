import type { CheckpointEvent, ProgressEvent, StepEvent, TrainingEvent } from "../../training/events.ts";

/** Values of a curve that are kept; of a longer one each second is dropped. */
const KEPT = 2000;

/** What a view shows of a run: the last of everything, and the losses' curves. */
export class ViewState {
  totalSteps: number | null = null;
  step: StepEvent | undefined;
  /** An evaluation that goes on. */
  progress: ProgressEvent | undefined;
  checkpoint: CheckpointEvent | undefined;
  best: CheckpointEvent | undefined;
  log: string | undefined;
  readonly losses = new Map<string, number[]>();
  /** Steps from one kept value to the next. */
  #stride = 1;

  add(event: TrainingEvent): void {
    switch (event.type) {
      case "start":
        this.totalSteps = event.totalSteps;
        break;
      case "step":
        this.step = event;
        this.totalSteps = event.totalSteps;
        this.progress = undefined;
        if (event.step % this.#stride === 0) this.#keep(event);
        break;
      case "progress":
        this.progress = event.pictures < event.totalPictures ? event : undefined;
        break;
      case "evaluation":
        this.progress = undefined;
        break;
      case "checkpoint":
        this.checkpoint = event;
        if (event.best) this.best = event;
        break;
      case "log":
        this.log = event.text.trimEnd().split("\n").at(-1);
        break;
      case "sample":
      case "warning":
      case "done":
        break;
    }
  }

  #keep({ losses }: StepEvent): void {
    for (const [name, value] of Object.entries(losses)) {
      if (value === null) continue;
      const curve = this.losses.get(name) ?? [];
      this.losses.set(name, curve);
      curve.push(value);
    }
    if (Math.max(...[...this.losses.values()].map(({ length }) => length)) < KEPT) return;
    for (const [name, curve] of this.losses)
      this.losses.set(
        name,
        curve.filter((_, index) => index % 2 === 1),
      );
    this.#stride *= 2;
  }
}
