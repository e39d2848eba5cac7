import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { runFiles } from "./files.ts";
import { isRunning } from "./process.ts";

/** A run imports what it needs, and reads its data, before it says that it begins. */
export const PATIENCE_MS = 60_000;

const holder = z.object({ pid: z.int(), host: z.string() });

/** Whether a run that has not begun never will: nobody holds its folder, and nothing in it changed for so long. */
export async function neverBegins(output: string, patienceMs: number): Promise<boolean> {
  if (await isHeld(join(output, runFiles.lock))) return false;
  const names = await readdir(output).catch(() => []);
  const changes = await Promise.all(["", ...names].map((name) => changed(join(output, name))));
  return Date.now() - Math.max(...changes) >= patienceMs;
}

/** Whether the process lives that the lock names. */
async function isHeld(lock: string): Promise<boolean> {
  try {
    const { pid, host } = holder.parse(JSON.parse(await readFile(lock, "utf8")));
    return isRunning({ pid, host, time: (await changed(lock)) / 1000 });
  } catch {
    return false; // none, or it is being written
  }
}

/** In milliseconds since 1970; 0 for what is gone. */
function changed(path: string): Promise<number> {
  return stat(path).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
