import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { fixture, temporaryFolder } from "./folders.ts";

/** What test/fixtures/training-run.mjs is told. */
export interface RunPlan {
  steps?: number;
  pauseMs?: number;
  /** Steps that were done before. */
  first?: number;
  end?: "completed" | "failed" | "silence";
  picture?: string;
  seed?: number;
}

/** A process that writes a run's folder, as one of the engine native does; it ends with the test. */
export function startRunProcess(plan: RunPlan = {}, output = join(temporaryFolder(), "run")) {
  const child = spawn(process.execPath, [fixture("training-run.mjs"), output, JSON.stringify(plan)], {
    stdio: "inherit",
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return { output, child };
}

/** The same, once it has begun. */
export async function startedRun(plan?: RunPlan, folder?: string): Promise<{ output: string; child: ChildProcess }> {
  const run = startRunProcess(plan, folder);
  const events = join(run.output, "events.jsonl");
  await vi.waitFor(() => {
    if (!existsSync(events) || !readFileSync(events, "utf8").includes(`"pid":${run.child.pid}`)) throw new Error("no");
  }, 10_000);
  return run;
}

/** The same, once it has ended. */
export async function finishedRun(plan: RunPlan = {}, folder?: string): Promise<string> {
  const { output, child } = startRunProcess({ pauseMs: 1, ...plan }, folder);
  await once(child, "exit");
  return output;
}
