import {
  closeSync,
  constants,
  copyFileSync,
  createReadStream,
  openSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
} from "node:fs";
import { resolve } from "node:path";

import { GlipError } from "../../errors.ts";
import { cancelled } from "../cancelled.ts";
import { diskFull, isDiskFull } from "../disk.ts";
import { notWeights } from "./content.ts";
import type { DownloadOptions } from "./download.ts";
import { mismatch } from "./failures.ts";
import { Meter } from "./meter.ts";
import { realStorage, writeAll } from "./storage.ts";

/**
 * Brings a file that the user has to `draft`: a link to it when `link` is set, else a copy (one that shares its blocks
 * where the file system can). Throws `file_error`, `weights_mismatch` for what is no weight file, and `disk_full`.
 */
export async function bringFile(
  from: string,
  draft: string,
  { link = false, storage, onProgress, signal }: { link?: boolean | undefined } & DownloadOptions,
): Promise<void> {
  const source = resolve(from);
  const size = checkSource(source);
  rmSync(draft, { force: true });
  if (link) return symlinkSync(source, draft, "file");
  const disk = { ...realStorage, ...storage };
  try {
    if (shareBlocks(source, draft)) return;
    const free = disk.freeBytes(draft);
    if (free !== undefined && size > free) throw diskFull(draft, size);
    const meter = new Meter("copy", onProgress);
    meter.start(0, size);
    const file = await disk.open(draft, "w");
    try {
      for await (const chunk of createReadStream(source, { highWaterMark: 1 << 20 })) {
        if (signal?.aborted) throw cancelled(signal);
        const bytes = chunk as Buffer;
        await writeAll(file, bytes);
        meter.add(bytes.length);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    meter.end();
  } catch (error) {
    rmSync(draft, { force: true });
    throw isDiskFull(error) ? diskFull(draft, size, error) : error;
  }
}

function checkSource(source: string): number {
  const stats = statSync(source, { throwIfNoEntry: false });
  if (!stats?.isFile()) {
    const reason = stats === undefined ? "there is no such file" : "it is no file";
    throw new GlipError("file_error", `${source}: ${reason}. --from takes a weight file.`, { path: source, reason });
  }
  const head = Buffer.alloc(Math.min(256, stats.size));
  const descriptor = openSync(source, "r");
  readSync(descriptor, head);
  closeSync(descriptor);
  const found = notWeights(head);
  if (found === undefined) return stats.size;
  const facts = { field: "content", expected: "weights", received: found } as const;
  throw mismatch(source, facts, "Download the file itself.");
}

function shareBlocks(source: string, draft: string): boolean {
  try {
    copyFileSync(source, draft, constants.COPYFILE_FICLONE_FORCE);
    return true;
  } catch {
    rmSync(draft, { force: true });
    return false; // another disk, or a file system that cannot
  }
}
