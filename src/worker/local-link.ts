import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Channel } from "../bridge/channel.ts";
import { generateCurveKeys, type CurveKeyPair } from "../bridge/curve-keys.ts";
import type { TransportChoice } from "../bridge/open.ts";
import { cancelledBy } from "../bridge/request.ts";
import { transportDefaults } from "../bridge/transport.ts";
import { GlipError, isGlipError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import { Deadline } from "./deadline.ts";
import { workerEnvironment } from "./environment-variables.ts";
import type { Link } from "./link.ts";
import type { LogLine } from "./log.ts";
import { makePrivateDirectory, type PrivateDirectory } from "./private-directory.ts";
import { describeExit, tail, WorkerProcess, workerDied } from "./process.ts";
import { type LoadedModel, loadModel, type ModelRequest } from "./load-model.ts";
import { localEndpoint, workerLimits, type WorkerSettings } from "./settings.ts";

export interface LocalOptions {
  /** The interpreter. */
  python: string;
  /** The folder with the Python packages of this SDK. */
  pythonSource: string;
  /** Where compiled Python files go. */
  bytecode: string;
  logDirectory: string | undefined;
  sdk: string;
  device: string;
  engine: string;
  engineOptions: Record<string, unknown>;
  plugins: readonly string[];
  pythonPath: readonly string[];
  threads: number | null;
  env: Readonly<Record<string, string>>;
  transport: TransportChoice;
  socket: "ipc" | "tcp";
  sharedMemory: boolean;
  /** The folder of pythonia's Python half, when the live window is wanted. */
  window: string | undefined;
  limits: Partial<WorkerSettings["limits"]>;
  heartbeat: { intervalMs: number; timeoutMs: number };
  startTimeoutMs: number;
  /** The model to load before the worker counts as ready; undefined: none. */
  model: ModelRequest | undefined;
  logger: Logger;
  onLogLine: (line: LogLine) => void;
}

/**
 * Starts a worker process, connects to it and has it load its model.
 * @throws GlipError `worker_start_failed`, `worker_start_timeout`, `protocol_mismatch`, `cancelled`, and what
 *   `model.load` answers; nothing is left of the process then
 */
export async function openLocalLink(options: LocalOptions, signal: AbortSignal): Promise<Link> {
  // One that is aborted already tells no listener.
  if (signal.aborted) throw cancelledBy("launch", signal.reason);
  const directory = makePrivateDirectory();
  const keys = options.socket === "tcp" ? { worker: generateCurveKeys(), client: generateCurveKeys() } : undefined;
  const window =
    options.window === undefined ? undefined : { socket: join(directory.path, "window.sock"), bridge: options.window };
  const worker = startProcess(options, directory, keys, window ?? null);
  const link = new LocalLink(worker, directory, window?.socket);
  const timeout = new Deadline(options.startTimeoutMs);
  const stop = AbortSignal.any([signal, timeout.signal]);
  try {
    await Promise.race([
      link.start(options, keys, stop),
      worker.exited.then(() => Promise.reject(startFailed(worker))),
      new Promise((_, reject) => stop.addEventListener("abort", () => reject(stop.reason as Error), { once: true })),
    ]);
    return link;
  } catch (error) {
    // A broken connection is only the symptom of a process that is dying.
    if (isGlipError(error) && /^(connection_.*|unauthorized)$/.test(error.code))
      await Promise.race([worker.exited, sleep(300)]);
    const died = worker.exit !== undefined && !isGlipError(error, "protocol_mismatch");
    await link.close();
    if (signal.aborted) throw cancelledBy("launch", signal.reason);
    if (died) throw startFailed(worker);
    if (timeout.expired) throw startTimeout(worker, options.startTimeoutMs);
    throw error;
  } finally {
    timeout.end();
  }
}

interface Keys {
  worker: CurveKeyPair;
  client: CurveKeyPair;
}

function startProcess(
  options: LocalOptions,
  directory: PrivateDirectory,
  keys: Keys | undefined,
  window: WorkerSettings["window"],
): WorkerProcess {
  const settings: WorkerSettings = {
    sdk: options.sdk,
    endpoint: keys === undefined ? localEndpoint(directory.path) : "tcp://127.0.0.1:0",
    run_dir: directory.path,
    device: options.device,
    engine: options.engine,
    engine_options: options.engineOptions,
    plugins: options.plugins,
    python_path: options.pythonPath,
    curve:
      keys === undefined
        ? null
        : { secret_key: keys.worker.secretKey, public_key: keys.worker.publicKey, clients: [keys.client.publicKey] },
    limits: { ...workerLimits, ...options.limits },
    window,
    shared_memory: options.sharedMemory && directory.sharedMemory !== undefined,
    threads: options.threads,
  };
  return new WorkerProcess({
    command: [options.python, "-m", "glip_worker"],
    env: workerEnvironment({ pythonSource: options.pythonSource, bytecode: options.bytecode, extra: options.env }),
    settings: JSON.stringify(settings),
    logDirectory: options.logDirectory,
    onLogLine: options.onLogLine,
  });
}

class LocalLink implements Link {
  readonly local = true;
  readonly window: string | undefined;
  readonly lost: Promise<GlipError>;
  #channel: Channel | undefined;
  readonly #worker: WorkerProcess;
  readonly #directory: PrivateDirectory;
  #lose!: (error: GlipError) => void;
  #closing: Promise<void> | undefined;
  /** Given up while its process lived: then its death is our own doing and explains nothing. */
  #givenUp = false;
  #started = false;
  #model: LoadedModel | undefined;

  constructor(worker: WorkerProcess, directory: PrivateDirectory, window: string | undefined) {
    this.#worker = worker;
    this.#directory = directory;
    this.window = window;
    this.lost = new Promise((resolve) => {
      this.#lose = (error) => this.#closing === undefined && resolve(error);
    });
    void worker.exited.then(() => !this.#givenUp && this.#lose(workerDied(worker)));
  }

  get channel(): Channel {
    if (this.#channel === undefined) throw new Error("the link is not connected yet");
    return this.#channel;
  }

  get ready() {
    return this.channel.ready;
  }

  get model(): LoadedModel | undefined {
    return this.#model;
  }

  async start(options: LocalOptions, keys: Keys | undefined, stop: AbortSignal): Promise<void> {
    const endpoint = await boundEndpoint(join(this.#directory.path, "endpoint"), stop);
    const channel = await Channel.open({
      endpoint,
      ...(keys && { curve: { serverKey: keys.worker.publicKey, ...keys.client } }),
      transport: options.transport,
      sdk: options.sdk,
      sharedMemory: options.sharedMemory ? this.#directory.sharedMemory : undefined,
      maxFrameBytes: transportDefaults.maxFrameBytes,
      heartbeatIntervalMs: options.heartbeat.intervalMs,
      heartbeatTimeoutMs: options.heartbeat.timeoutMs,
      logger: options.logger,
      onDown: (error) => void this.#connectionLost(error, options.heartbeat.timeoutMs),
    });
    this.#channel = channel;
    if (stop.aborted) channel.fail(stop.reason as Error);
    await channel.hello();
    if (options.model !== undefined) {
      this.#model = await loadModel(channel, options.model, stop);
      const { ignored, weights } = this.#model;
      if (ignored.length > 0) options.logger.warn(`${weights} holds more than the model takes`, { ignored });
    }
    this.#started = true;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#channel?.fail(
      new GlipError("worker_closed", "The worker was closed while the call was running, or before it", {}),
    );
    // A start that is given up has nothing to finish, and may be deaf to SIGTERM for seconds.
    await (this.#started ? this.#worker.close() : this.#worker.kill());
    this.#directory.remove();
  }

  /** The process says best why a connection ended, if it is ending too; if it is not, it has stopped answering. */
  async #connectionLost(error: Error, silentMs: number): Promise<void> {
    await Promise.race([this.#worker.exited, sleep(500, undefined, { ref: false })]);
    if (this.#worker.exit !== undefined || isGlipError(error, "worker_closed")) return;
    this.#givenUp = true;
    await this.#worker.kill();
    const { death } = this.#worker;
    const text = `The worker stopped answering and was killed: ${error.message}${tail(death)}`;
    this.#lose(new GlipError("worker_unresponsive", text, { ...death, silentMs }, { cause: error }));
  }
}

/** The worker writes the address it listens on once it does. */
export async function boundEndpoint(file: string, stop: AbortSignal): Promise<string> {
  for (;;) {
    try {
      return readFileSync(file, "utf8").trim();
    } catch {
      await sleep(5, undefined, { signal: stop });
    }
  }
}

/** The error for a worker process that ended before it was ready. */
export function startFailed(worker: WorkerProcess): GlipError<"worker_start_failed"> {
  const { death, startError } = worker;
  const text = startError ?? `The worker ended while starting (${describeExit(death)}).${tail(death)}`;
  return new GlipError(
    "worker_start_failed",
    `${text}\nRun \`npx glip doctor\` to check the Python environment.`,
    death,
  );
}

function startTimeout(worker: WorkerProcess, timeoutMs: number): GlipError<"worker_start_timeout"> {
  const { death } = worker;
  const text = `The worker was not ready within ${timeoutMs} ms and was killed (startTimeoutMs allows it more).${tail(death)}`;
  return new GlipError("worker_start_timeout", text, { ...death, timeoutMs });
}
