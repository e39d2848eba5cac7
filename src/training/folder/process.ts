import { hostname } from "node:os";
import { processStart } from "../../environment/process-identity.ts";
import type { RunStart } from "./history.ts";

/** Clocks are set, and a process says when it started only after it has imported what it needs. */
const TOLERANCE_SECONDS = 60;

/**
 * Whether the run's process lives. Process ids are given out again, so one that began after the run is another one. Of
 * another host's nothing is known: it is taken to live.
 */
export function isRunning({ pid, host, time }: Pick<RunStart, "pid" | "host" | "time">): boolean {
  if (host !== hostname()) return true;
  const started = processStart(pid);
  return started !== undefined && started <= time + TOLERANCE_SECONDS;
}
