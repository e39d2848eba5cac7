import { z } from "zod";
import type { Logger } from "./logger.ts";

const device = z.string().regex(/^(auto|cpu|mps|cuda(:\d+)?)$/, "expected auto, cpu, mps, cuda or cuda:N");
const milliseconds = z
  .int()
  .min(1)
  .max(2 ** 31 - 1);
const curveKey = z.string().length(40, "expected a CURVE key: 40 characters of Z85");
const callback = <T>() => z.custom<T>((value) => typeof value === "function", "expected a function");

/** What launch() and connect() share. */
const connection = {
  transport: z.enum(["auto", "zeromq", "zmtp"]).default("auto"),
  sharedMemory: z.boolean().default(true),
  heartbeat: z
    .strictObject({ intervalMs: milliseconds, timeoutMs: milliseconds })
    .default({ intervalMs: 500, timeoutMs: 3000 }),
  startTimeoutMs: milliseconds.default(120_000),
  restart: z
    .strictObject({ max: z.int().min(1), windowMs: milliseconds.default(60_000), backoffMs: milliseconds.default(200) })
    .optional(),
  signal: z.instanceof(AbortSignal).optional(),
  logger: z
    .custom<Logger>(
      (value) =>
        ["error", "warn", "info", "debug"].every(
          (level) => typeof (value as Logger | undefined)?.[level as keyof Logger] === "function",
        ),
      "expected an object with error, warn, info and debug",
    )
    .optional(),
};

export const launchOptions = z.strictObject({
  ...connection,
  engine: z.enum(["none"]).default("none"),
  device: device.optional(),
  devices: z.array(device).min(1).optional(),
  plugins: z.array(z.string().min(1)).default([]),
  pythonPath: z.array(z.string()).default([]),
  python: z.boolean().default(false),
  interpreter: z.string().min(1).optional(),
  home: z.string().min(1).optional(),
  env: z.record(z.string(), z.string()).default({}),
  threads: z.int().min(1).optional(),
  socket: z.enum(["ipc", "tcp"]).default(process.platform === "win32" ? "tcp" : "ipc"),
  limits: z
    .strictObject({
      maxFrameBytes: z
        .int()
        .min(1024)
        .max(2 ** 32 - 1)
        .optional(),
      maxPending: z.int().min(1).optional(),
      maxQueue: z.int().min(1).optional(),
    })
    .default({}),
  logFile: z.boolean().default(true),
  onLog: callback<(line: import("./worker/log.ts").LogLine) => void>().optional(),
});

export const connectOptions = z.strictObject({
  ...connection,
  keys: z
    .union([z.string().min(1), z.strictObject({ serverKey: curveKey, publicKey: curveKey, secretKey: curveKey })])
    .optional(),
});
