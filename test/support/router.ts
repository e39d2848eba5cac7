import { spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { CurveKeys } from "../../src/bridge/transport.ts";
import { testPython } from "./python.ts";

export interface RouterOptions {
  /** @default "ipc" */
  scheme?: "ipc" | "tcp";
  /** @default false */
  curve?: boolean;
  /** @default 1000 */
  highWaterMark?: number;
}

/** A running `test/fixtures/router.py`: a real libzmq ROUTER in a process of its own. */
export interface Router {
  endpoint: string;
  pid: number;
  curve: CurveKeys | undefined;
  process: ChildProcess;
  stop(): Promise<void>;
}

export async function startRouter(options: RouterOptions = {}): Promise<Router> {
  const folder = await mkdtemp(join(tmpdir(), "glip-router-"));
  const endpoint = options.scheme === "tcp" ? "tcp://127.0.0.1:*" : `ipc://${folder}/socket`;
  const script = fileURLToPath(new URL("../fixtures/router.py", import.meta.url));
  const flags = [
    "--high-water-mark",
    String(options.highWaterMark ?? 1000),
    ...(options.curve === true ? ["--curve"] : []),
  ];
  const child = spawn(await testPython(), [script, endpoint, ...flags], { stdio: ["pipe", "pipe", "inherit"] });
  const line = await firstLine(child);
  const started = JSON.parse(line) as { endpoint: string; pid: number; curve: CurveKeys | null };
  return {
    endpoint: started.endpoint,
    pid: started.pid,
    curve: started.curve ?? undefined,
    process: child,
    async stop() {
      // SIGKILL also ends a process that is stopped.
      child.kill("SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the router has no stdout");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the router ended before it listened");
}
