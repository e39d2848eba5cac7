import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { GlipError, isGlipError, messageOf } from "../../errors.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { unbegunRun } from "./failures.ts";
import { runFiles } from "./files.ts";
import { isEnd, type RunStart } from "./history.ts";
import { isRunning } from "./process.ts";
import { EventReader } from "./reader.ts";
import { neverBegins, PATIENCE_MS } from "./unbegun.ts";

const INTERVAL_MS = 100;

/** Asks things of a run. */
export interface RunControl {
  stop(): Promise<void>;
  checkpoint(): Promise<void>;
}

/**
 * Asks by files in the run's folder, which the run looks for after each step. One that has ended is not asked.
 * @param since in milliseconds since 1970: a run that is only being started clears what was asked of an earlier one, so
 *   the start after this time is waited for
 * @param given resolves when there will be none; without it, one that has not begun counts as gone when its folder stays as
 *   it is for `patienceMs`
 */
export function folderControl(
  output: string,
  since: number,
  given?: Promise<void>,
  patienceMs = PATIENCE_MS,
): RunControl {
  const ask = async (file: string): Promise<void> => {
    if (!(await isThere(output, since, given, patienceMs))) return;
    const path = join(output, file);
    await writeFile(path, "").catch((cause: unknown) => {
      const reason = messageOf(cause);
      throw new GlipError("file_error", `Cannot ask the run in ${output}: ${reason}`, { path, reason }, { cause });
    });
  };
  return { stop: () => ask(runFiles.stop), checkpoint: () => ask(runFiles.checkpoint) };
}

/** For runs that cannot be asked. */
export function noControl(feature: string, reason: string): RunControl {
  const refuse = (): Promise<void> =>
    Promise.reject(new GlipError("unsupported", `The run cannot be asked: ${reason}.`, { feature, reason }));
  return { stop: refuse, checkpoint: refuse };
}

/** The official code takes no requests; ending it is possible, and it writes a checkpoint then. */
export const officialControl = noControl(
  "stop",
  "the engine official only ends (`cancel`), with a checkpoint, or runs on",
);

/** Whether the run is at work; waits for it to begin. @throws GlipError `training_failed` when it never will */
async function isThere(
  output: string,
  since: number,
  given: Promise<void> | undefined,
  patienceMs: number,
): Promise<boolean> {
  let over = false;
  void given?.then(() => (over = true));
  const reader = new EventReader(join(output, runFiles.events));
  let start: RunStart | undefined;
  let last: RunEvent | undefined;
  for (;;) {
    const events = await reader.read().catch((error: unknown): RunEvent[] => {
      if (isGlipError(error, "file_error")) return []; // not written yet
      throw error;
    });
    start = events.findLast((event) => event.type === "start") ?? start;
    last = events.at(-1) ?? last;
    const ended = last !== undefined && isEnd(last) && last.time * 1000 >= since;
    if (start !== undefined && start.time * 1000 >= since) return !ended && isRunning(start);
    if (over || ended) return false;
    if (given === undefined && events.length === 0 && (await neverBegins(output, patienceMs)))
      throw await unbegunRun(output);
    await sleep(INTERVAL_MS);
  }
}
