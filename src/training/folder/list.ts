import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { GlipError, messageOf } from "../../errors.ts";
import { runFiles } from "./files.ts";
import { readRun, type RunRecord } from "./record.ts";

/** Sweeps keep their runs one folder deeper; nobody wants a whole disk searched. */
const DEPTH = 3;

/** The runs in a folder and below it, the one that last changed first. @throws GlipError `file_error` */
export async function listRuns(folder: string): Promise<RunRecord[]> {
  const runs = await Promise.all((await find(folder, DEPTH)).map(readRun));
  return runs.toSorted((a, b) => b.changed - a.changed);
}

async function find(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((cause: unknown) => {
    const reason = messageOf(cause);
    throw new GlipError(
      "file_error",
      `Cannot look for runs in ${folder}: ${reason}`,
      { path: folder, reason },
      { cause },
    );
  });
  if (entries.some((entry) => entry.name === runFiles.events && entry.isFile())) return [folder];
  if (depth === 0) return [];
  const below = entries.filter((entry) => entry.isDirectory()).map(({ name }) => find(join(folder, name), depth - 1));
  return (await Promise.all(below)).flat();
}
