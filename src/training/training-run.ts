import type { TrainingEvent } from "./events.ts";
import type { RunControl } from "./folder/control.ts";
import type { TrainResult } from "./results.ts";
import { Run, type RunSource } from "./run.ts";

/** A training: a run that can be asked to stop, and for a checkpoint. */
export class TrainingRun extends Run<TrainingEvent, TrainResult> {
  readonly #control: RunControl;

  /** For the verb that starts it. */
  constructor(name: string, output: string, source: RunSource<TrainingEvent, TrainResult>, control: RunControl) {
    super(name, output, source);
    this.#control = control;
  }

  /**
   * Asks the training to end after the step that it is in, with a checkpoint; resolves when it was asked. Its events go
   * on to the last one, and its result says `stopped`. `resume` goes on from there.
   * @throws GlipError `unsupported` for the engine official, and on another host; `file_error`
   */
  stop(): Promise<void> {
    return this.#control.stop();
  }

  /**
   * Asks for a checkpoint after the step that the training is in; resolves when it was asked. The event `checkpoint` says
   * where it is.
   * @throws GlipError as `stop`
   */
  checkpoint(): Promise<void> {
    return this.#control.checkpoint();
  }
}
