import { join } from "node:path";
import { glipHome, pythonSource } from "./environment/home.ts";
import { sdkVersion } from "./environment/version.ts";
import { bridgeDirectory } from "./environment/window.ts";
import { resolveEngine } from "./engine.ts";
import { Glip } from "./glip.ts";
import { Listeners } from "./listeners.ts";
import { silentLogger } from "./logger.ts";
import { connectOptions, type ConnectOptions, launchOptions, type LaunchOptions } from "./options.ts";
import { checkArgument } from "./protocol/validate.ts";
import { readClientKeys } from "./worker/keys.ts";
import { openLocalLink } from "./worker/local-link.ts";
import { WorkerPool } from "./worker/pool.ts";
import { openRemoteLink } from "./worker/remote-link.ts";
import { Worker } from "./worker/worker.ts";

/**
 * Starts a worker, or one per device, and resolves when they are ready, their model loaded.
 *
 * @example await using glip = await launch({ model: "glip-t" });
 * @throws GlipError `environment_missing` or `environment_stale` (run `npx glip setup`), `python_not_found`,
 *   `worker_start_failed`, `worker_start_timeout`, `protocol_mismatch`, `invalid_argument`, `cancelled`; for the
 *   official engine `official_missing` or `official_modified` (run `npx glip setup --official`), `weights_missing` (run
 *   `npx glip weights pull NAME`), `weights_mismatch`, `config_invalid`, `file_error`, `out_of_memory`
 */
export async function launch(options: LaunchOptions = {}): Promise<Glip> {
  const checked = checkArgument(launchOptions, options, "options");
  const { logger = silentLogger, home = glipHome(checked.home), signal, restart } = checked;
  const engine = resolveEngine(checked);
  const window = checked.python ? bridgeDirectory() : undefined;
  const listeners = new Listeners();
  if (checked.onLog !== undefined) listeners.add("log", checked.onLog);
  const { maxFrameBytes, maxPending, maxQueue } = checked.limits;
  const shared = {
    python: engine.python,
    pythonSource,
    bytecode: join(home, "bytecode"),
    logDirectory: checked.logFile ? join(home, "logs") : undefined,
    sdk: sdkVersion,
    engine: engine.name,
    engineOptions: engine.options,
    model: engine.model,
    plugins: checked.plugins,
    pythonPath: checked.pythonPath,
    threads: checked.threads ?? null,
    env: checked.env,
    transport: checked.transport,
    socket: checked.socket,
    sharedMemory: checked.sharedMemory,
    window,
    limits: {
      ...(maxFrameBytes !== undefined && { max_frame_bytes: maxFrameBytes }),
      ...(maxPending !== undefined && { max_pending: maxPending }),
      ...(maxQueue !== undefined && { max_queue: maxQueue }),
    },
    heartbeat: checked.heartbeat,
    startTimeoutMs: checked.startTimeoutMs,
    logger,
    onLogLine: (line: { stream: "stdout" | "stderr"; text: string }) => listeners.emit("log", line),
  };
  const devices = checked.devices ?? [checked.device];
  const starts = devices.map(
    (device) => () =>
      Worker.start((stop) => openLocalLink({ ...shared, device }, stop), {
        restart,
        logger,
        events: eventsOf(listeners),
        signal,
      }),
  );
  return new Glip(await WorkerPool.start(starts), listeners, home);
}

/**
 * Connects to a worker that was started by hand (`npx glip worker --bind …`), on this host or another.
 *
 * @param endpoint `tcp://host:port` (with `keys`: the client file that `npx glip keys` made, or what is in it) or
 *   `ipc:///path`
 * @throws GlipError `connection_refused`, `unauthorized`, `connection_lost`, `protocol_mismatch`, `deadline_exceeded`,
 *   `invalid_argument`, `cancelled`
 */
export async function connect(endpoint: string, options: ConnectOptions = {}): Promise<Glip> {
  const checked = checkArgument(connectOptions, options, "options");
  const { logger = silentLogger, keys, signal, restart, ...rest } = checked;
  const listeners = new Listeners();
  const curve = typeof keys === "string" ? readClientKeys(keys) : keys;
  const remote = { ...rest, endpoint, keys: curve, sdk: sdkVersion, logger };
  const start = () =>
    Worker.start((stop) => openRemoteLink(remote, stop), { restart, logger, events: eventsOf(listeners), signal });
  return new Glip(await WorkerPool.start([start]), listeners);
}

function eventsOf(listeners: Listeners) {
  return {
    onReady: (ready: Parameters<typeof listeners.emit<"ready">>[1]) => listeners.emit("ready", ready),
    onLost: (error: Parameters<typeof listeners.emit<"lost">>[1]) => listeners.emit("lost", error),
  };
}
