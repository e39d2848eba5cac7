import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Channel } from "../../src/bridge/channel.ts";
import { openNative } from "../../src/bridge/native.ts";
import type { OpenTransport } from "../../src/bridge/transport.ts";
import { openZmtp } from "../../src/bridge/zmtp/dealer.ts";
import { workerLimits, type WorkerSettings } from "../../src/worker/settings.ts";
import { root } from "./compile.ts";
import { fixture } from "./folders.ts";
import { testPython } from "./python.ts";

export const transports = ["zeromq", "zmtp"] as const;

export const openers: Record<(typeof transports)[number], OpenTransport> = { zeromq: openNative, zmtp: openZmtp };

/** A worker that was started by its line of settings, as a third party would: any number of clients may connect. */
export interface BareWorker extends AsyncDisposable {
  endpoint: string;
  pid: number;
  curve: undefined;
  process: ChildProcess;
  /** What it wrote to stderr so far. */
  log(): string;
  /** Its resident memory in bytes; undefined where /proc does not say. */
  memory(): number | undefined;
}

export async function startWorker(
  given: Partial<Omit<WorkerSettings, "limits">> & { limits?: Partial<WorkerSettings["limits"]>; torch?: boolean } = {},
): Promise<BareWorker> {
  const { torch = true, ...changes } = given;
  const folder = mkdtempSync(join(tmpdir(), "glip-worker-"));
  const settings: WorkerSettings = {
    sdk: "0.1.0",
    endpoint: `ipc://${folder}/socket`,
    run_dir: folder,
    device: "cpu",
    engine: "none",
    engine_options: {},
    plugins: [],
    python_path: [],
    curve: null,
    window: null,
    shared_memory: true,
    threads: 1,
    ...changes,
    limits: { ...workerLimits, ...changes.limits },
  };
  const env = {
    ...process.env,
    // What stands in for torch is imported in no time, and enough for methods that make no tensors.
    PYTHONPATH: [...(torch ? [] : [fixture("stand-in")]), join(root, "python")].join(delimiter),
    PYTHONPYCACHEPREFIX: join(root, ".build", "bytecode"),
  };
  const child = spawn(await testPython(), ["-m", "glip_worker"], { stdio: ["pipe", "ignore", "pipe"], env });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => (log += chunk.toString()));
  child.stdin.write(`${JSON.stringify(settings)}\n`);
  const endpoint = await written(join(folder, "endpoint"), () => {
    if (child.exitCode !== null) throw new Error(`the worker ended:\n${log}`);
  });
  await ready(endpoint);
  return {
    endpoint,
    pid: child.pid ?? 0,
    curve: undefined,
    process: child,
    log: () => log,
    memory: () => memoryOf(child.pid ?? 0),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** The worker answers `hello` only when everything is loaded. */
async function ready(endpoint: string): Promise<void> {
  const channel = await Channel.open({ endpoint, transport: "zmtp", sdk: "0.1.0", onDown: () => {} });
  await channel.hello();
  channel.fail(new Error("this was to see that it is ready"));
}

/** Resident memory of a process in bytes. */
export function memoryOf(pid: number): number | undefined {
  try {
    const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    return kilobytes === undefined ? undefined : Number(kilobytes) * 1024;
  } catch {
    return undefined;
  }
}

async function written(path: string, check: () => void): Promise<string> {
  for (;;) {
    try {
      return readFileSync(path, "utf8");
    } catch {
      check();
      await sleep(10);
    }
  }
}
