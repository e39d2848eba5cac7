import type { Channel } from "../bridge/channel.ts";
import { GlipError } from "../errors.ts";
import type { Worker } from "./worker.ts";

/** Several workers behind one handle: each call goes to the one with the fewest calls under way. */
export class WorkerPool {
  readonly workers: readonly Worker[];

  constructor(workers: readonly [Worker, ...Worker[]]) {
    this.workers = workers;
  }

  /** Starts all of them side by side; when one fails, the others are closed again. */
  static async start(starts: readonly (() => Promise<Worker>)[]): Promise<WorkerPool> {
    const started = await Promise.allSettled(starts.map((start) => start()));
    const workers = started.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const failed = started.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      await Promise.all(workers.map((worker) => worker.close()));
      throw failed.reason;
    }
    return new WorkerPool(workers as [Worker, ...Worker[]]);
  }

  /** The channel for the next call. @throws why there is none, when every worker has ended */
  channel(): Channel | Promise<Channel> {
    return this.#best().channel();
  }

  /** As `channel`, always of the worker that was the best at first; of another one when that has ended. */
  staying(): () => Channel | Promise<Channel> {
    let worker: Worker | undefined;
    return () => {
      if (worker === undefined || worker.ended) worker = this.#best();
      return worker.channel();
    };
  }

  #best(): Worker {
    const [first, ...others] = this.workers;
    if (first === undefined) throw new GlipError("worker_closed", "There is no worker", {});
    let best = first;
    for (const worker of others) if (rank(worker) < rank(best)) best = worker;
    return best;
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.close()));
  }
}

/** Ended workers last, restarting ones before them. */
function rank(worker: Worker): number {
  return worker.ended ? Number.POSITIVE_INFINITY : Math.min(worker.load, Number.MAX_SAFE_INTEGER);
}
