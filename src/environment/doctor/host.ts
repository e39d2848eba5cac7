import { existsSync, statfsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";

import { messageOf } from "../../errors.ts";
import { throwIfCancelled } from "../cancelled.ts";
import { lastLines, runCommand } from "../command.ts";
import { findPython } from "../python.ts";
import { type Check, gigabytes, ok, problem } from "./check.ts";

const OLDEST_NODE = [20, 19] as const;
/** The environment with the CUDA build and its download need about this much. */
const DISK_NEEDED = 15e9;
/** Data loaders pass batches through shared memory; containers often get 64 MB. */
const SHARED_MEMORY_NEEDED = 1e9;
const ADDON_TIMEOUT_MS = 20_000;

export function checkNode(version = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const fits = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return fits
    ? ok("node", true, version)
    : problem("node", true, version, `Install Node ${OLDEST_NODE.join(".")} or later.`);
}

/** A Python to make environments from; an environment that exists already does without. */
export async function checkPython(python: string | undefined, signal: AbortSignal | undefined): Promise<Check> {
  try {
    const { version, executable } = await findPython({ python, signal });
    return ok("python", false, `${version}, ${executable}`);
  } catch (error) {
    throwIfCancelled(signal);
    return problem("python", false, messageOf(error), "Install Python 3.10 or later, or name one with --python.");
  }
}

/** The native add-on and its CURVE, tried in a child process: an add-on that does not fit may crash its process. */
export async function checkZeromq(signal: AbortSignal | undefined): Promise<Check[]> {
  const fix =
    "Nothing needs to be done: the SDK uses its own transport instead. To mend it, reinstall the package zeromq for this platform.";
  const script = `const z = await import(${JSON.stringify(zeromqUrl())}); console.log(z.version, z.capability.curve === true)`;
  const result = await runCommand(process.execPath, ["--input-type=module", "-e", script], {
    signal,
    timeoutMs: ADDON_TIMEOUT_MS,
  });
  const [version, curve] = lastLines(result.stdout, 1).split(" ");
  if (result.exitCode !== 0 || version === undefined) {
    const found = lastLines(result.stderr, 1) || "it crashed while it was loaded";
    return [
      problem("zeromq", false, found, fix),
      problem("curve", false, "unknown, because zeromq does not load", fix),
    ];
  }
  const hasCurve = curve === "true";
  return [
    ok("zeromq", false, `libzmq ${version}`),
    hasCurve ? ok("curve", false, "available") : problem("curve", false, "not built in", fix),
  ];
}

export function checkDisk(home: string): Check {
  const free = freeBytes(nearestExisting(home));
  const found = `${gigabytes(free)} free at ${home}`;
  if (free >= DISK_NEEDED) return ok("disk", false, found);
  return problem(
    "disk",
    false,
    found,
    `Setup with CUDA takes about ${gigabytes(DISK_NEEDED)}: free some, or move GLIP_HOME to a larger disk.`,
  );
}

/** Undefined where there is no /dev/shm. */
export function checkSharedMemory(path = "/dev/shm"): Check | undefined {
  if (!existsSync(path)) return undefined;
  const free = freeBytes(path);
  const found = `${gigabytes(free)} free in ${path}`;
  if (free >= SHARED_MEMORY_NEEDED) return ok("shared memory", false, found);
  return problem(
    "shared memory",
    false,
    found,
    "Data loaders with worker processes need more: in Docker, start with --shm-size=8g or --ipc=host.",
  );
}

function zeromqUrl(): string {
  try {
    return pathToFileURL(createRequire(import.meta.url).resolve("zeromq")).href;
  } catch {
    return "zeromq"; // not installed: the child says so in its own words
  }
}

function freeBytes(path: string): number {
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize;
}

function nearestExisting(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearestExisting(dirname(path));
}
