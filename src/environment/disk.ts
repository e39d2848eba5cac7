import { statfsSync } from "node:fs";
import { dirname } from "node:path";

import { GlipError } from "../errors.ts";

const FULL = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Whether an error, or a tool's words, say that the disk is full. */
export function isDiskFull(error: unknown): boolean {
  if (typeof error === "string") return /no space left on device|disk quota exceeded|not enough space/i.test(error);
  return FULL.has((error as NodeJS.ErrnoException | undefined)?.code ?? "");
}

/** The error for a full disk; `needed` and `free` are bytes where they are known. */
export function diskFull(path: string, needed?: number, cause?: unknown): GlipError<"disk_full"> {
  const free = freeBytes(path);
  const facts = [
    needed === undefined ? [] : [`${needed} bytes needed`],
    free === undefined ? [] : [`${free} free`],
  ].flat();
  const message =
    `The disk that holds ${path} is full${facts.length > 0 ? ` (${facts.join(", ")})` : ""}. ` +
    "Free some space, or move GLIP_HOME to a larger disk, and run it again: it continues where it stopped.";
  return new GlipError("disk_full", message, { path, needed, free }, { cause });
}

/** Free bytes of the disk that holds `path`, or that would hold it; undefined where the system does not say. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return dirname(path) === path ? undefined : freeBytes(dirname(path));
  }
}
