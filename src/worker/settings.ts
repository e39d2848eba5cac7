import { randomBytes } from "node:crypto";

/** The line of settings that the worker reads on its stdin (python/glip_worker/settings.py). */
export interface WorkerSettings {
  sdk: string;
  endpoint: string;
  run_dir: string;
  device: string;
  engine: string;
  engine_options: Record<string, unknown>;
  plugins: readonly string[];
  python_path: readonly string[];
  curve: { secret_key: string; public_key: string; clients: readonly string[] } | null;
  limits: { max_frame_bytes: number; max_pending: number; max_queue: number };
  window: { socket: string; bridge: string } | null;
  shared_memory: boolean;
  threads: number | null;
}

export const workerLimits = { max_frame_bytes: 2 ** 30, max_pending: 64, max_queue: 1024 } as const;

/** Where a local worker listens: a socket file, or loopback TCP where there are none. */
export function localEndpoint(directory: string): string {
  return process.platform === "win32"
    ? "tcp://127.0.0.1:0"
    : `ipc://${directory}/${randomBytes(4).toString("hex")}.sock`;
}
