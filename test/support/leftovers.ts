import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";

/** Where the SDK makes its private directories on Linux, and how they are called. */
const memory = "/dev/shm";
const prefix = `glip-${process.getuid?.()}-`;

/** Every process started with `GLIP_TEST_MARK=<mark>`, its descendants included: "pid: command". */
export function processesOf(mark: string): string[] {
  const variable = `GLIP_TEST_MARK=${mark}\0`;
  return processes().flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/environ`, "latin1").includes(variable)) return [];
      return [`${pid}: ${readFileSync(`/proc/${pid}/cmdline`, "latin1").replaceAll("\0", " ")}`];
    } catch {
      return []; // it ended in between
    }
  });
}

/** Ended children that nobody has waited for. */
export function zombiesOf(parent: number): string[] {
  return processes().filter((pid) => {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
      const [state, ppid] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
      return state === "Z" && Number(ppid) === parent;
    } catch {
      return false;
    }
  });
}

/** The private directories (socket, shared memory) of one launching process. */
export function directoriesOf(owner: number): string[] {
  return readdirSync(memory).filter((name) => {
    if (!name.startsWith(prefix)) return false;
    try {
      return readFileSync(`${memory}/${name}/owner`, "utf8").startsWith(`${owner}-`);
    } catch {
      return false;
    }
  });
}

export interface Search {
  mark: string;
  /** The process that launched. @default this one */
  owner?: number;
  /** Directories that were there before. @default none */
  except?: readonly string[];
  /** How long the last of it may take to go. @default 1000 */
  withinMs?: number;
}

/** Fails unless every process, zombie, socket and directory of a launch is gone within the time. */
export async function expectNothingLeft({
  mark,
  owner = process.pid,
  except = [],
  withinMs = 1000,
}: Search): Promise<void> {
  const left = () => ({
    processes: processesOf(mark),
    zombies: zombiesOf(owner),
    directories: directoriesOf(owner).filter((name) => !except.includes(name)),
  });
  const until = performance.now() + withinMs;
  while (performance.now() < until && Object.values(left()).some((found) => found.length > 0)) await sleep(10);
  expect(left()).toEqual({ processes: [], zombies: [], directories: [] });
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}
