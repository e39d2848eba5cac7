import { setTimeout as sleep } from "node:timers/promises";
import type { Channel } from "../bridge/channel.ts";
import { GlipError, isGlipError, messageOf } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Ready } from "../protocol/messages.ts";
import type { Link, OpenLink } from "./link.ts";

export interface RestartPolicy {
  /** Restarts within `windowMs`; one more death is final. */
  max: number;
  windowMs: number;
  /** Pause before the first restart; doubles with each further one. */
  backoffMs: number;
}

export interface WorkerEvents {
  onReady?(ready: Ready): void;
  onLost?(error: GlipError): void;
}

/** One worker over its whole life: the present link, and the next one after a death when a restart policy allows it. */
export class Worker {
  readonly #open: OpenLink;
  readonly #restart: RestartPolicy | undefined;
  readonly #logger: Logger;
  readonly #events: WorkerEvents;
  readonly #stop = new AbortController();
  /** When the recent ones were. */
  #deaths: number[] = [];
  /** What every later link is told before it is used: the parameters of each method. */
  readonly #told = new Map<string, Record<string, unknown>>();
  #link: Link | undefined;
  #opening: Promise<Link> | undefined;
  /** What every call is told once there is no worker and there will be none. */
  #end: GlipError | undefined;
  #closing: Promise<void> | undefined;

  private constructor(open: OpenLink, restart: RestartPolicy | undefined, logger: Logger, events: WorkerEvents) {
    this.#open = open;
    this.#restart = restart;
    this.#logger = logger;
    this.#events = events;
  }

  /** Opens the first link. @throws as `open` does: a worker that never started is not restarted */
  static async start(
    open: OpenLink,
    options: {
      restart: RestartPolicy | undefined;
      logger: Logger;
      events: WorkerEvents;
      signal?: AbortSignal | undefined;
    },
  ) {
    const worker = new Worker(open, options.restart, options.logger, options.events);
    const signal =
      options.signal === undefined ? worker.#stop.signal : AbortSignal.any([worker.#stop.signal, options.signal]);
    worker.#adopt(await open(signal));
    return worker;
  }

  /** What the worker said of itself when it was last ready. */
  get ready(): Ready {
    return this.current.ready;
  }

  /** The link of last resort: the present one, also when it has just been lost. */
  get current(): Link {
    return this.#link as Link;
  }

  /** Calls under way. */
  get load(): number {
    return this.#opening === undefined ? this.current.channel.pending : Infinity;
  }

  get ended(): boolean {
    return this.#end !== undefined;
  }

  /** The channel for the next call: at once when the worker is up, else after its restart. @throws why there is none */
  channel(): Channel | Promise<Channel> {
    if (this.#end !== undefined) throw this.#end;
    return this.#opening === undefined ? this.current.channel : this.#opening.then(({ channel }) => channel);
  }

  /**
   * Calls a method whose effect must outlive a restart: the worker that comes next is told the same. Of several calls of a
   * method the last one that succeeded counts. @throws as `channel` and its `call`
   */
  async tell(method: string, params: Record<string, unknown>): Promise<unknown> {
    const result = await (await this.channel()).call(method, params, {});
    this.#told.set(method, params);
    return result;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#end = new GlipError("worker_closed", "The worker was closed; launch another one", {});
    this.#stop.abort(this.#end);
    await this.#opening?.catch(() => {});
    await this.current.close();
  }

  async #openAgain(signal: AbortSignal): Promise<Link> {
    const link = await this.#open(signal);
    try {
      for (const [method, params] of this.#told) await link.channel.call(method, params, { signal });
      return link;
    } catch (error) {
      await link.close();
      throw error;
    }
  }

  #adopt(link: Link): void {
    this.#link = link;
    this.#opening = undefined;
    this.#events.onReady?.(link.ready);
    void link.lost.then((error) => this.#lost(link, error));
  }

  #lost(link: Link, error: GlipError): void {
    if (this.#closing !== undefined) return;
    this.#logger.error(error.message);
    // Before `close` ends them in its own words. What their callers do next runs after all of this.
    link.channel.fail(error);
    const policy = this.#mayRestart();
    if (policy === undefined) this.#end = error;
    else {
      this.#opening = this.#reopen(link, policy);
      this.#opening.catch(() => {});
    }
    if (policy === undefined) void link.close();
    this.#events.onLost?.(error);
  }

  #mayRestart(): RestartPolicy | undefined {
    if (this.#restart === undefined) return undefined;
    const { max, windowMs } = this.#restart;
    const now = Date.now();
    this.#deaths = [...this.#deaths.filter((time) => now - time <= windowMs), now];
    return this.#deaths.length <= max ? this.#restart : undefined;
  }

  /** Tries until a link is open; an attempt that fails counts as one more death. */
  async #reopen(lost: Link, policy: RestartPolicy): Promise<Link> {
    await lost.close();
    const { signal } = this.#stop;
    for (;;) {
      try {
        await sleep(policy.backoffMs * 2 ** (this.#deaths.length - 1), undefined, { signal });
        const link = await this.#openAgain(signal);
        this.#adopt(link);
        return link;
      } catch (error) {
        if (this.#closing === undefined && this.#mayRestart() !== undefined) continue;
        this.#opening = undefined;
        this.#end ??= isGlipError(error)
          ? error
          : new GlipError("worker_closed", messageOf(error), {}, { cause: error });
        throw this.#end;
      }
    }
  }
}
