import { readFile, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { RunEvent } from "../../protocol/run-events.ts";
import { runFiles } from "./files.ts";
import { history, isEnd, type RunEnd, type RunStart } from "./history.ts";
import { isRunning } from "./process.ts";
import { EventReader } from "./reader.ts";

/** `lost`: its process is gone and did not say why. */
export type RunState = "running" | "completed" | "plateau" | "stopped" | "failed" | "lost";

/** Everything that a run's folder says. */
export interface RunRecord {
  /** Absolute. */
  output: string;
  name: string;
  state: RunState;
  /** What counts of what it has done, in order. */
  events: RunEvent[];
  start: RunStart | undefined;
  end: RunEnd | undefined;
  /** When something was last written, in milliseconds since 1970. */
  changed: number;
  /** What it was told, and where it ran, as its files say; undefined where they are missing or damaged. */
  config: Record<string, unknown> | undefined;
  environment: Record<string, unknown> | undefined;
}

/** @throws GlipError `file_error` when no run is there */
export async function readRun(folder: string): Promise<RunRecord> {
  const output = resolve(folder);
  const file = join(output, runFiles.events);
  const events = history(await new EventReader(file).read());
  const start = events.findLast((event) => event.type === "start");
  const last = events.at(-1);
  const end = last !== undefined && isEnd(last) ? last : undefined;
  return {
    output,
    name: basename(output),
    state: stateOf(start, end),
    events,
    start,
    end,
    changed: (await stat(file)).mtimeMs,
    config: await readObject(join(output, runFiles.config)),
    environment: await readObject(join(output, runFiles.environment)),
  };
}

/** The last event of a type, if there was one. */
export function lastOf<Type extends RunEvent["type"]>(
  events: readonly RunEvent[],
  type: Type,
): Extract<RunEvent, { type: Type }> | undefined {
  return events.findLast((event): event is Extract<RunEvent, { type: Type }> => event.type === type);
}

function stateOf(start: RunStart | undefined, end: RunEnd | undefined): RunState {
  if (end !== undefined) return end.type === "failed" ? "failed" : end.ended;
  return start !== undefined && isRunning(start) ? "running" : "lost";
}

async function readObject(file: string): Promise<Record<string, unknown> | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(file, "utf8"));
    return typeof value === "object" && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
