import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { remoteError } from "../../bridge/remote-error.ts";
import { GlipError } from "../../errors.ts";
import type { RunEvent } from "../../protocol/run-events.ts";
import { runFiles } from "./files.ts";
import type { RunStart } from "./history.ts";

const LAST_LINES = 50;

/** The error that a run says it ended with. */
export function failedRun({ code, message, details }: Extract<RunEvent, { type: "failed" }>): GlipError {
  return remoteError({ code, message, details });
}

/** The error for a run whose process is gone without having said why: it was killed, or its host went down. */
export function lostRun(output: string, { pid }: RunStart, checkpoint: string | null): Promise<GlipError> {
  const left =
    checkpoint === null
      ? "It has no checkpoint"
      : `Its last checkpoint is ${checkpoint}; the option resume goes on from there`;
  const text = `The run in ${output} is gone: its process ${pid} ended without a word, as one that is killed does. ${left}.`;
  return endedSilently(output, text);
}

/** The error for a run that was gone before it had begun. */
export function unbegunRun(output: string): Promise<GlipError> {
  const text = `The run in ${output} never began: no process holds its folder, and nothing in there changes, as when it is killed while it starts. Start it again; if it is being started just now, attach again.`;
  return endedSilently(output, text);
}

async function endedSilently(output: string, text: string): Promise<GlipError> {
  const logFile = join(output, runFiles.log);
  const log = await readFile(logFile, "utf8").catch(() => undefined);
  const lastLogLines = (log ?? "").trimEnd().split("\n").slice(-LAST_LINES);
  const details = { exitCode: undefined, output, lastLogLines, logFile: log === undefined ? undefined : logFile };
  return new GlipError("training_failed", text, details);
}
