import { awaitChannel } from "./bridge/await-channel.ts";
import type { Channel } from "./bridge/channel.ts";
import { openStream } from "./bridge/open-stream.ts";
import type { CallOptions } from "./bridge/request.ts";
import type { Stream } from "./bridge/stream.ts";
import { openWindow, type PythonWindow } from "./environment/window.ts";
import { GlipError } from "./errors.ts";
import type { GlipEvents, Listeners } from "./listeners.ts";
import type { Ready } from "./protocol/messages.ts";
import type { Event, MethodName, Params, Result, StreamName } from "./protocol/methods.ts";
import { checkEvent, checkParams, checkResult } from "./protocol/validate.ts";
import { showWorkers } from "./show-workers.ts";
import type { Link } from "./worker/link.ts";
import type { LoadedModel } from "./worker/load-model.ts";
import type { WorkerPool } from "./worker/pool.ts";

/** The name of a plugin's method. A declared one is not: its wrong parameters must not pass for a plugin's. */
type Undeclared<Name extends string> = Name extends MethodName ? never : Name;

/** Workers, what they say of themselves, and calls to them, from their start to their end. */
export abstract class Handle implements AsyncDisposable {
  readonly #pool: WorkerPool;
  readonly #listeners: Listeners;
  readonly #windows = new Set<PythonWindow>();

  /** The first worker's. */
  get #link(): Link {
    return (this.#pool.workers[0] as WorkerPool["workers"][number]).current;
  }

  /** Where launch() looks for weights; undefined for a handle of connect(). */
  readonly home: string | undefined;

  /** For launch() and connect(). */
  constructor(pool: WorkerPool, listeners: Listeners, home?: string) {
    this.#pool = pool;
    this.#listeners = listeners;
    this.home = home;
  }

  /** What the first worker said of itself: versions, device, engine, methods, limits. */
  get info(): Ready {
    return this.workers[0] as Ready;
  }

  /** What each worker said of itself. */
  get workers(): Ready[] {
    return this.#pool.workers.map((worker) => worker.ready);
  }

  /** The transport in use. */
  get transport(): Channel["transport"] {
    return this.#link.channel.transport;
  }

  /** Whether launch() started the workers: then pictures on disk go to them as paths; otherwise their bytes do. */
  get local(): boolean {
    return this.#link.local;
  }

  /** What launch() loaded; undefined when it loaded no model, and for a handle of connect(). */
  get model(): LoadedModel | undefined {
    return this.#link.model;
  }

  /**
   * Calls a method of the worker. Those that the SDK declares are typed and validated on both sides; a plugin's are not.
   * @throws GlipError: `invalid_argument` before anything is sent, the worker's own codes, `cancelled`,
   *   `deadline_exceeded`, `worker_died` and its kin, `worker_closed`
   */
  call<Name extends MethodName>(method: Name, params: Params<Name>, options?: CallOptions): Promise<Result<Name>>;
  call<Name extends string>(
    method: Undeclared<Name>,
    params?: Record<string, unknown>,
    options?: CallOptions,
  ): Promise<unknown>;
  async call(method: string, params: Record<string, unknown> = {}, options: CallOptions = {}): Promise<unknown> {
    return callBy(() => this.#pool.channel(), method, params, options);
  }

  /** Calls a method in every worker, and again in one that is restarted: for what each has to know. */
  protected callEach<Name extends MethodName>(method: Name, params: Params<Name>): Promise<Result<Name>[]> {
    const checked = checkParams(method, params);
    const calls = this.#pool.workers.map((worker) => worker.tell(method, checked));
    return Promise.all(calls.map(async (call) => checkResult(method, await call) as Result<Name>));
  }

  /** Calls a method and reads its events on the way; see `Stream`. @throws as `call`, from the iteration and `result` */
  stream<Name extends StreamName>(
    method: Name,
    params: Params<Name>,
    options?: CallOptions,
  ): Stream<Event<Name>, Result<Name>>;
  stream<Name extends string>(
    method: Undeclared<Name>,
    params?: Record<string, unknown>,
    options?: CallOptions,
  ): Stream<unknown, unknown>;
  stream(method: string, params: Record<string, unknown> = {}, options: CallOptions = {}): Stream<unknown, unknown> {
    return streamBy(() => this.#pool.channel(), method, params, options);
  }

  /** Calls that go to one worker as long as there is that one: for what only the worker that was told it holds. */
  protected staying(): Pick<Handle, "local" | "call" | "stream"> {
    const channel = this.#pool.staying();
    return {
      local: this.local,
      call: (method: string, params?: Record<string, unknown>, options?: CallOptions) =>
        callBy(channel, method, params, options),
      stream: (method: string, params?: Record<string, unknown>, options?: CallOptions) =>
        streamBy(channel, method, params, options),
    } as Pick<Handle, "local" | "call" | "stream">;
  }

  /** Round-trip time to the first worker's IO thread in milliseconds, whatever it is computing. */
  async ping(): Promise<number> {
    return (await this.#pool.channel()).ping();
  }

  /**
   * A live window into the first worker's Python: read, change and call its objects. Needs `launch({ python: true })`.
   * @throws GlipError `unsupported` when the window was not asked for, or the worker is not a local one
   */
  async python(): Promise<PythonWindow> {
    const socket = this.#link.window;
    if (socket === undefined) {
      const text =
        "The window into Python is not open: start the worker with launch({ python: true }). A worker on another host has none.";
      throw new GlipError("unsupported", text, { feature: "python()", reason: "not asked for at launch" });
    }
    const window = await openWindow(socket);
    this.#windows.add(window);
    return window;
  }

  /** Calls `listener` for every such event from now on. Returns the function that ends it. */
  on<Name extends keyof GlipEvents>(name: Name, listener: (event: GlipEvents[Name]) => void): () => void {
    return this.#listeners.add(name, listener);
  }

  /** Ends the workers: what runs is cancelled, and nothing of them is left. Idempotent, also for dead workers. */
  async close(): Promise<void> {
    for (const window of this.#windows) window.close();
    await this.#pool.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** How a handle shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    return showWorkers(this.workers);
  }
}

async function callBy(
  channel: () => Channel | Promise<Channel>,
  method: string,
  params: Record<string, unknown> = {},
  options: CallOptions = {},
): Promise<unknown> {
  const checked = checkParams(method, params);
  const since = performance.now();
  const found = channel();
  const open = found instanceof Promise ? await awaitChannel(found, method, options).channel : found;
  return checkResult(method, await open.call(method, checked, { ...options, since }));
}

function streamBy(
  channel: () => Channel | Promise<Channel>,
  method: string,
  params: Record<string, unknown> = {},
  options: CallOptions = {},
): Stream<unknown, unknown> {
  return openStream(channel, () => ({
    method,
    params: checkParams(method, params),
    options,
    checkEvent: (value) => checkEvent(method, value),
    checkResult: (value) => checkResult(method, value),
  }));
}
