import { type ChildProcess, spawn, spawnSync, type SpawnSyncReturns } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));

/** Runs the built command line to its end. */
export function glip(args: readonly string[], env: object = {}, cwd?: string): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [launcher, ...args], {
    env: { ...process.env, GLIP_DEBUG: "", ...env },
    cwd,
    encoding: "utf8",
    timeout: 120_000,
  });
}

/** Starts it; what it prints is collected. It ends with the test. */
export function startGlip(args: readonly string[], env: object = {}) {
  const child: ChildProcess = spawn(process.execPath, [launcher, ...args], {
    env: { ...process.env, GLIP_DEBUG: "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const printed = { out: "", err: "" };
  child.stdout?.on("data", (chunk: Buffer) => (printed.out += chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => (printed.err += chunk.toString()));
  return { child, printed };
}
