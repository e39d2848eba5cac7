/** One step of `glip setup` began or ended. */
export interface SetupProgress {
  /** `python`, `uv`, `venv`, `base`, `torch`, the name of a group, `verify` or `finish`. */
  step: string;
  /** Counted from 1. */
  index: number;
  total: number;
  /** `skipped`: nothing was to do. */
  state: "start" | "done" | "skipped";
  /** How long the step took; 0 at its start. */
  ms: number;
  /** What is being done, or what came of it. */
  message: string;
}

/** Numbers the steps and tells `onProgress` of each. */
export class Steps {
  readonly #names: string[];
  readonly #onProgress: (progress: SetupProgress) => void;

  constructor(names: string[], onProgress: (progress: SetupProgress) => void = () => {}) {
    this.#names = names;
    this.#onProgress = onProgress;
  }

  /** Runs one step; `outcome` words what came of it. */
  async run<Value>(
    step: string,
    message: string,
    action: () => Promise<Value>,
    outcome: (value: Value) => string,
  ): Promise<Value> {
    const start = performance.now();
    this.#tell(step, "start", 0, message);
    const value = await action();
    this.#tell(step, "done", Math.round(performance.now() - start), outcome(value));
    return value;
  }

  skip(step: string, message: string): void {
    this.#tell(step, "skipped", 0, message);
  }

  #tell(step: string, state: SetupProgress["state"], ms: number, message: string): void {
    this.#onProgress({ step, index: this.#names.indexOf(step) + 1, total: this.#names.length, state, ms, message });
  }
}
