import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Stream } from "../../bridge/stream.ts";
import { GlipError } from "../../errors.ts";
import type { RunDone, RunEvent } from "../../protocol/run-events.ts";
import { failedRun, lostRun, unbegunRun } from "./failures.ts";
import { runFiles } from "./files.ts";
import { history, isEnd, lastSession, type RunStart } from "./history.ts";
import { isRunning } from "./process.ts";
import { EventReader } from "./reader.ts";
import { neverBegins, PATIENCE_MS } from "./unbegun.ts";

const INTERVAL_MS = 200;

export interface FollowOptions {
  /** `all`: what counts of everything that the run has done. `session`: from its last start on. */
  from: "all" | "session";
  signal?: AbortSignal | undefined;
  /** A run that has not begun counts as gone when its folder stays as it is for so long. @default 60 000 */
  patienceMs?: number | undefined;
}

/**
 * The events of a run's folder: those that are there, then those that come, until the run ends. Cancelling the stream
 * ends the watching, and does nothing to the run.
 */
export function followRun(
  output: string,
  { from, signal, patienceMs = PATIENCE_MS }: FollowOptions,
): Stream<RunEvent, RunDone> {
  const own = new AbortController();
  const stream = new Stream<RunEvent, RunDone>({ grant: () => {}, cancel: () => own.abort() });
  const stop = signal === undefined ? own.signal : AbortSignal.any([own.signal, signal]);
  const watch = async (): Promise<void> => {
    try {
      stream.finish(await follow(output, { from, signal: stop, patienceMs }, (event) => stream.push(event)));
    } catch (error) {
      stream.fail(stop.aborted ? cancelled(output, signal) : error);
    }
    stream.end();
  };
  void watch();
  return stream;
}

/** How the run ended. @throws GlipError what it failed with, `training_failed` when it was killed, `file_error` */
async function follow(
  output: string,
  { from, signal, patienceMs }: { from: FollowOptions["from"]; signal: AbortSignal; patienceMs: number },
  push: (event: RunEvent) => void,
): Promise<RunDone> {
  const reader = new EventReader(join(output, runFiles.events));
  const before = await reader.read();
  let events = from === "all" ? history(before) : lastSession(before);
  let start: RunStart | undefined;
  let checkpoint: string | null = null;
  let gone = false;
  for (;;) {
    for (const event of events) {
      signal.throwIfAborted();
      if (event.type === "start") start = event;
      if (event.type === "checkpoint") checkpoint = event.path;
      push(event);
    }
    const last = events.at(-1);
    if (last !== undefined && isEnd(last)) {
      if (last.type === "failed") throw failedRun(last);
      return last;
    }
    if (gone && events.length === 0)
      throw start === undefined ? await unbegunRun(output) : await lostRun(output, start, checkpoint);
    // It is looked at before the events are: what it wrote last is among those.
    gone = events.length === 0 && (start === undefined ? await neverBegins(output, patienceMs) : !isRunning(start));
    if (!gone) await sleep(INTERVAL_MS, undefined, { signal });
    events = await reader.read();
  }
}

function cancelled(output: string, signal: AbortSignal | undefined): GlipError {
  const text = `Nobody watches the run in ${output} any more; it goes on`;
  return new GlipError("cancelled", text, {}, signal?.aborted ? { cause: signal.reason } : {});
}
