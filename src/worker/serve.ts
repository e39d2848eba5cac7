import { setTimeout as sleep } from "node:timers/promises";
import { Channel } from "../bridge/channel.ts";
import { generateCurveKeys } from "../bridge/curve-keys.ts";
import { GlipError } from "../errors.ts";
import type { Ready } from "../protocol/messages.ts";
import { boundEndpoint, startFailed } from "./local-link.ts";
import type { WorkerKeys } from "./keys.ts";
import { type LoadedModel, loadModel, type ModelRequest } from "./load-model.ts";
import { makePrivateDirectory } from "./private-directory.ts";
import { WorkerProcess, type ProcessOptions } from "./process.ts";
import { workerLimits, type WorkerSettings } from "./settings.ts";

export interface ServeOptions extends Pick<ProcessOptions, "command" | "env" | "logDirectory" | "onLogLine"> {
  /** `tcp://host:port` (port 0: any free one) or `ipc:///path`. */
  bind: string;
  /** Needed for tcp://. */
  keys: WorkerKeys | undefined;
  /** The model to load before the worker counts as ready. @default none */
  model?: ModelRequest | undefined;
  settings: Pick<
    WorkerSettings,
    "sdk" | "device" | "engine" | "engine_options" | "plugins" | "python_path" | "threads"
  >;
}

/** A worker that listens for clients of other processes. */
export interface Server {
  /** The address it listens on. */
  endpoint: string;
  ready: Ready;
  /** What was loaded; undefined when nothing was asked for. */
  model: LoadedModel | undefined;
  /** Resolves when the process has ended, with the error that says how. */
  ended: Promise<GlipError>;
  /** Asks it to leave, then kills it. Idempotent. */
  close(): Promise<void>;
  /** Kills it at once. */
  kill(): Promise<void>;
}

/**
 * Starts a worker that listens where it is told, and resolves when it is ready for clients.
 * @throws GlipError `worker_start_failed` (a taken port, a missing module: its log lines say which), `invalid_argument`, and
 *   what `model.load` answers
 */
export async function serve(options: ServeOptions): Promise<Server> {
  const { bind, keys } = options;
  if (bind.startsWith("tcp://") && keys === undefined) {
    const details = { path: "options.keys", expected: "keys for a tcp:// address", received: "none" };
    throw new GlipError(
      "invalid_argument",
      "A tcp:// address needs --keys: `npx glip keys DIRECTORY` makes them",
      details,
    );
  }
  const directory = makePrivateDirectory();
  // A client of our own, to know when the worker is ready.
  const own = keys === undefined ? undefined : generateCurveKeys();
  const settings: WorkerSettings = {
    ...options.settings,
    endpoint: bind,
    run_dir: directory.path,
    curve:
      keys === undefined || own === undefined
        ? null
        : {
            secret_key: keys.secretKey,
            public_key: keys.publicKey,
            clients: [...Object.values(keys.clients), own.publicKey],
          },
    limits: workerLimits,
    window: null,
    shared_memory: bind.startsWith("ipc://"),
  };
  const worker = new WorkerProcess({ ...options, settings: JSON.stringify(settings) });
  const stop = new AbortController();
  try {
    const failed = worker.exited.then(() => Promise.reject(startFailed(worker)));
    const endpoint = await Promise.race([boundEndpoint(`${directory.path}/endpoint`, stop.signal), failed]);
    const channel = await Channel.open({
      endpoint: endpoint.replace(/^tcp:\/\/(0\.0\.0\.0|\*|\[::\])/, "tcp://127.0.0.1"),
      ...(keys !== undefined && own !== undefined && { curve: { serverKey: keys.publicKey, ...own } }),
      sdk: options.settings.sdk,
      onDown: () => {},
    });
    const ready = await Promise.race([channel.hello(), failed]);
    const { model: wanted } = options;
    const model = wanted && (await Promise.race([loadModel(channel, wanted, stop.signal), failed]));
    channel.fail(new GlipError("worker_closed", "only asked whether it is ready", {}));
    const close = async (end: () => Promise<void>): Promise<void> => {
      await end();
      directory.remove();
    };
    return {
      endpoint,
      ready,
      model,
      ended: worker.exited.then(() => startFailed(worker)),
      close: () => close(() => worker.close()),
      kill: () => close(() => worker.kill()),
    };
  } catch (error) {
    stop.abort();
    await Promise.race([worker.exited, sleep(300)]);
    const death = worker.exit === undefined ? error : startFailed(worker);
    await worker.close();
    directory.remove();
    throw death;
  }
}
