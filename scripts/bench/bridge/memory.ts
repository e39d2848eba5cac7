import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { MemoryReport } from "./memory-client.ts";

/** Runs `memory-client.ts` in a process of its own, so that nothing else of the benchmark is in its memory. */
export function measureMemory(
  python: string,
  home: string,
  transport: "zeromq" | "zmtp",
  counts: { calls: number; warmup: number },
): Promise<MemoryReport> {
  const script = fileURLToPath(new URL("memory-client.js", import.meta.url));
  const child = fork(script, [python, home, transport, String(counts.calls), String(counts.warmup)]);
  return new Promise((resolve, reject) => {
    child.once("message", (report) => resolve(report as MemoryReport));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`the client that measures memory ended with ${code}`)));
  });
}
