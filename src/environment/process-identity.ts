import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * `<pid>-<start time>` of a running process, or undefined when there is none. Process ids are given out again; with the
 * start time, the name of a dead process never fits a later one. Windows gives no cheap start time: there it is 0.
 */
export function processIdentity(pid: number): string | undefined {
  if (process.platform === "linux") return linuxIdentity(pid);
  if (!isAlive(pid)) return undefined;
  if (process.platform === "win32") return `${pid}-0`;
  try {
    const started = execFileSync("ps", ["-o", "lstart=", "-p", String(pid)], {
      encoding: "utf8",
      env: { LC_ALL: "C" },
    });
    return `${pid}-${Date.parse(started) / 1000}`;
  } catch {
    return undefined; // ps exits with 1 when the process ended in between
  }
}

/** When a running process began, in seconds since 1970; undefined when there is none, 0 on Windows. */
export function processStart(pid: number): number | undefined {
  const identity = processIdentity(pid);
  if (identity === undefined) return undefined;
  const start = Number(identity.slice(identity.indexOf("-") + 1));
  return process.platform === "linux" ? bootTime() + start / TICKS_PER_SECOND : start;
}

/** The process id in an identity. */
export function pidOf(identity: string): number {
  return Number.parseInt(identity, 10);
}

/** Linux counts a process's start in these since it booted; every platform that Node runs on has this many. */
const TICKS_PER_SECOND = 100;

/** In seconds since 1970. */
function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? 0);
}

function linuxIdentity(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The program's name, in parentheses, may hold spaces: the fields are counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, start] = [fields[0], fields[19]];
    return state === "Z" || state === "X" ? undefined : `${pid}-${start}`;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's process is alive too
  }
}
