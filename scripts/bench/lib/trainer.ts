/** A trainer in a Python process of its own (stepping.py). */
import { type Interpreter, Script } from "./script.ts";

export interface Step {
  seconds: number;
  /** The most of the GPU's memory that tensors held so far; null on a CPU. */
  device_bytes: number | null;
}

export class Trainer implements Disposable {
  readonly #script: Script;

  private constructor(script: Script) {
    this.#script = script;
  }

  /** Resolves when its model is loaded. */
  static async start(interpreter: Interpreter, name: string, args: readonly string[]): Promise<Trainer> {
    const script = new Script(interpreter, name, args);
    await script.read();
    return new Trainer(script);
  }

  get pid(): number {
    return this.#script.pid;
  }

  /** Of the batch with this text, where nothing is dropped. */
  async losses(text: string): Promise<Record<string, number>> {
    return (await this.#script.ask(JSON.stringify({ losses: text }))) as Record<string, number>;
  }

  /** @param checkpointing where that is decided for each step */
  async step(text: string, checkpointing = false): Promise<Step> {
    return (await this.#script.ask(JSON.stringify({ step: text, checkpointing }))) as Step;
  }

  [Symbol.dispose](): void {
    this.#script[Symbol.dispose]();
  }
}
