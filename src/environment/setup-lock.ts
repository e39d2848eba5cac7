import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { throwIfCancelled } from "./cancelled.ts";
import { pidOf, processIdentity } from "./process-identity.ts";

const POLL_MS = 150;
const REFRESH_MS = 5_000;
/** A holder on another machine (a shared home) cannot be asked; it counts as dead when it has not refreshed for this long. */
const FOREIGN_STALE_MS = 120_000;

export interface SetupLock {
  /** Remembers a child process: whoever takes over after this process was killed ends it first. */
  recordChild(pid: number): void;
  release(): void;
}

/**
 * Waits for and takes the lock at `path`. It is a directory that holds one file, named for the holder (host, process id
 * and start time). Taking it renames a prepared directory onto it, which fails while it is not empty; breaking a dead
 * holder's lock removes that holder's file by name, so that two who break it at once never remove a third one's lock.
 * `onWait` hears once who holds it.
 */
export async function acquireSetupLock(
  path: string,
  options: {
    signal?: AbortSignal | undefined;
    onWait?: ((holder: string) => void) | undefined;
    /** What a holder of this lock does. @default "glip setup" */
    purpose?: string | undefined;
  } = {},
): Promise<SetupLock> {
  mkdirSync(dirname(path), { recursive: true });
  const own = `${host()}~${processIdentity(process.pid) ?? `${process.pid}-0`}`;
  let announced = false;
  for (;;) {
    throwIfCancelled(options.signal);
    if (tryTake(path, own)) return held(join(path, own), path);
    const holder = attempt(() => readdirSync(path))?.[0];
    if (holder === undefined)
      attempt(() => rmdirSync(path)); // free, but Windows renames onto no directory at all
    else if (isDead(path, holder)) takeFrom(path, holder);
    else {
      if (!announced) options.onWait?.(describe(path, holder, options.purpose ?? "glip setup"));
      announced = true;
      await sleep(POLL_MS);
    }
  }
}

function tryTake(path: string, own: string): boolean {
  const prepared = `${path}.${own}`;
  rmSync(prepared, { recursive: true, force: true });
  mkdirSync(prepared);
  writeFileSync(join(prepared, own), "");
  try {
    renameSync(prepared, path);
    return true;
  } catch {
    rmSync(prepared, { recursive: true, force: true });
    return false;
  }
}

function held(file: string, path: string): SetupLock {
  const refresh = setInterval(() => attempt(() => utimesSync(file, new Date(), new Date())), REFRESH_MS).unref();
  return {
    recordChild(pid) {
      writeFileSync(file, processIdentity(pid) ?? "");
    },
    release() {
      clearInterval(refresh);
      attempt(() => unlinkSync(file));
      attempt(() => rmdirSync(path));
    },
  };
}

/** Ends what the dead holder had started (an installer that still writes into the environment), then frees its lock. */
function takeFrom(path: string, holder: string): void {
  const child = attempt(() => readFileSync(join(path, holder), "utf8"));
  if (child && isLocal(holder) && processIdentity(pidOf(child)) === child)
    attempt(() => process.kill(pidOf(child), "SIGKILL"));
  attempt(() => unlinkSync(join(path, holder)));
}

function isDead(path: string, holder: string): boolean {
  if (isLocal(holder)) return processIdentity(pidOf(identityIn(holder))) !== identityIn(holder);
  const refreshed = attempt(() => statSync(join(path, holder)).mtimeMs);
  return refreshed !== undefined && Date.now() - refreshed > FOREIGN_STALE_MS;
}

function describe(path: string, holder: string, purpose: string): string {
  const where = isLocal(holder) ? "" : ` on ${holder.split("~")[0]}`;
  return `another ${purpose} (process ${pidOf(identityIn(holder))}${where}) holds ${path}`;
}

const host = (): string => hostname().replace(/[^\w.-]/g, "_");
const isLocal = (holder: string): boolean => holder.startsWith(`${host()}~`);
const identityIn = (holder: string): string => holder.slice(holder.lastIndexOf("~") + 1);

/** The value, or undefined when the file system says no: in a race the other one's turn comes first. */
function attempt<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
