import { z } from "zod";
import type { TransportChoice } from "./bridge/open.ts";
import type { CurveKeys } from "./bridge/transport.ts";
import type { Logger } from "./logger.ts";
import { type ModelOptions, modelOptions } from "./model-options.ts";
import type { LogLine } from "./worker/log.ts";

/** What `launch` and `connect` share. */
export interface ConnectionOptions {
  /** `zeromq` (Node only), `zmtp` (anywhere), or `auto`: the first where it works. @default "auto" */
  transport?: TransportChoice | undefined;
  /** Whether large tensors may go through shared memory, where worker and client are on one host. @default true */
  sharedMemory?: boolean | undefined;
  /** How often the worker is asked for a sign of life, and how long it may be silent. @default 500 and 3000 ms */
  heartbeat?: { intervalMs?: number | undefined; timeoutMs?: number | undefined } | undefined;
  /** How long the worker may take to become ready, its model loaded. @default 120000 */
  startTimeoutMs?: number | undefined;
  /**
   * What happens after the worker is lost: at most `max` restarts (or reconnections) within `windowMs`, the first after
   * `backoffMs`, each further one after twice the pause. What was pending fails in any case.
   * @default no restart; `windowMs` 60000, `backoffMs` 200
   */
  restart?: { max: number; windowMs?: number | undefined; backoffMs?: number | undefined } | undefined;
  /** Gives up starting. @default none */
  signal?: AbortSignal | undefined;
  /** Hears what the SDK has to say. @default silence */
  logger?: Logger | undefined;
}

export interface LaunchOptions extends ConnectionOptions, ModelOptions {
  /** `auto` (CUDA, then MPS, then CPU), `cpu`, `mps`, `cuda` or `cuda:N`. @default "auto" */
  device?: string | undefined;
  /** A worker on each of these devices behind one handle, instead of `device`. @default one worker */
  devices?: string[] | undefined;
  /** Python modules whose `register(registry)` adds methods. @default [] */
  plugins?: string[] | undefined;
  /** Folders in which Python looks for the plugins. @default [] */
  pythonPath?: string[] | undefined;
  /** Opens the live window into the worker's Python, for `glip.python()`. It can execute anything. @default false */
  python?: boolean | undefined;
  /** A Python that has the packages. @default GLIP_PYTHON, then the environment that `glip setup` made */
  interpreter?: string | undefined;
  /** Where environments, logs and weights are kept. @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** Environment variables for the worker, beside the few that it inherits. @default {} */
  env?: Record<string, string> | undefined;
  /** CPU threads for torch. @default torch's own choice */
  threads?: number | undefined;
  /** What the worker listens on: a private socket file, or loopback TCP with CURVE. @default "ipc"; "tcp" on Windows */
  socket?: "ipc" | "tcp" | undefined;
  /**
   * Largest frame in bytes, unfinished requests of one client, requests that wait in the worker in all.
   * @default 1 GiB, 64, 1024
   */
  limits?:
    { maxFrameBytes?: number | undefined; maxPending?: number | undefined; maxQueue?: number | undefined } | undefined;
  /** Whether the worker's output is also kept in a file below `home`. @default true */
  logFile?: boolean | undefined;
  /** Hears each line that a worker writes, from its start on. @default none; see also `glip.on("log")` */
  onLog?: ((line: LogLine) => void) | undefined;
}

export interface ConnectOptions extends ConnectionOptions {
  /** The client's file that `npx glip keys` made, or what is in it. Needed for tcp://. @default none */
  keys?: string | CurveKeys | undefined;
}

const device = z.string().regex(/^(auto|cpu|mps|cuda(:\d+)?)$/, "expected auto, cpu, mps, cuda or cuda:N");
const count = z.int().min(1);
const milliseconds = count.max(2 ** 31 - 1);
const curveKey = z.string().length(40, "expected a CURVE key: 40 characters of Z85");
const logger = z.custom<Logger>(isLogger, "expected an object with error, warn, info and debug");
const listener = z.custom<(line: LogLine) => void>((value) => typeof value === "function", "expected a function");

const connection = {
  transport: z.enum(["auto", "zeromq", "zmtp"]).default("auto"),
  sharedMemory: z.boolean().default(true),
  heartbeat: z
    .strictObject({ intervalMs: milliseconds.default(500), timeoutMs: milliseconds.default(3000) })
    .prefault({}),
  startTimeoutMs: milliseconds.default(120_000),
  restart: z
    .strictObject({ max: count, windowMs: milliseconds.default(60_000), backoffMs: milliseconds.default(200) })
    .optional(),
  signal: z.instanceof(AbortSignal).optional(),
  logger: logger.optional(),
};

export const launchOptions = z.strictObject({
  ...connection,
  ...modelOptions,
  device: device.default("auto"),
  devices: z.array(device).min(1).optional(),
  plugins: z.array(z.string().min(1)).default([]),
  pythonPath: z.array(z.string()).default([]),
  python: z.boolean().default(false),
  interpreter: z.string().min(1).optional(),
  home: z.string().min(1).optional(),
  env: z.record(z.string(), z.string()).default({}),
  threads: count.optional(),
  socket: z.enum(["ipc", "tcp"]).default(process.platform === "win32" ? "tcp" : "ipc"),
  limits: z
    .strictObject({
      maxFrameBytes: z
        .int()
        .min(1024)
        .max(2 ** 32 - 1)
        .optional(),
      maxPending: count.optional(),
      maxQueue: count.optional(),
    })
    .default({}),
  logFile: z.boolean().default(true),
  onLog: listener.optional(),
}) satisfies z.ZodType<unknown, LaunchOptions>;

export const connectOptions = z.strictObject({
  ...connection,
  keys: z
    .union([z.string().min(1), z.strictObject({ serverKey: curveKey, publicKey: curveKey, secretKey: curveKey })])
    .optional(),
}) satisfies z.ZodType<unknown, ConnectOptions>;

function isLogger(value: unknown): boolean {
  const candidate = value as Partial<Logger> | undefined;
  return (["error", "warn", "info", "debug"] as const).every((level) => typeof candidate?.[level] === "function");
}
