import type { Dirent } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { GlipError, isGlipError, messageOf } from "../../errors.ts";
import { runFiles } from "./files.ts";
import { readRun, type RunRecord } from "./record.ts";

/** Sweeps keep their runs one folder deeper; nobody wants a whole disk searched. */
const DEPTH = 3;

/** A run whose events cannot be read, as those that a later version wrote. */
export interface UnreadableRun {
  /** Absolute. */
  output: string;
  state: "unreadable";
  /** As of a `RunRecord`. */
  changed: number;
  error: GlipError;
}

/**
 * The runs in a folder and below it, the one that last changed first. A folder below that cannot be read is left out.
 * @throws GlipError `file_error` when the folder itself cannot be read
 */
export async function listRuns(folder: string): Promise<(RunRecord | UnreadableRun)[]> {
  const runs = await Promise.all((await find(folder, await entriesOf(folder), DEPTH)).map(read));
  return runs.flat().toSorted((a, b) => b.changed - a.changed);
}

/** None where it is gone meanwhile. */
async function read(folder: string): Promise<(RunRecord | UnreadableRun)[]> {
  try {
    return [await readRun(folder)];
  } catch (error) {
    if (!isGlipError(error, "file_error")) throw error;
    const changed = (await stat(join(folder, runFiles.events)).catch(() => undefined))?.mtimeMs;
    return changed === undefined ? [] : [{ output: resolve(folder), state: "unreadable", changed, error }];
  }
}

async function entriesOf(folder: string): Promise<Dirent[]> {
  return readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    const reason = messageOf(cause);
    throw new GlipError(
      "file_error",
      `Cannot look for runs in ${folder}: ${reason}`,
      { path: folder, reason },
      { cause },
    );
  });
}

async function find(folder: string, entries: readonly Dirent[], depth: number): Promise<string[]> {
  if (entries.some((entry) => entry.name === runFiles.events && entry.isFile())) return [folder];
  if (depth === 0) return [];
  const below = entries
    .filter((entry) => entry.isDirectory())
    .map(async ({ name }) => {
      const path = join(folder, name);
      return find(path, await entriesOf(path).catch(() => []), depth - 1);
    });
  return (await Promise.all(below)).flat();
}
