import { open } from "node:fs/promises";

import { freeBytes } from "../disk.ts";

/** A file that is being written. */
export interface OutputFile {
  write(bytes: Uint8Array): Promise<{ bytesWritten: number }>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

/** The disk, as far as writing weights needs it; replaced where a full one is to be tried out. */
export interface Storage {
  /** `w` empties the file, `a` appends to it. */
  open(path: string, mode: "w" | "a"): Promise<OutputFile>;
  freeBytes(path: string): number | undefined;
}

export const realStorage: Storage = { open, freeBytes };

/** Writes all of it: the system may take less at a time. */
export async function writeAll(file: OutputFile, bytes: Uint8Array): Promise<void> {
  for (let start = 0; start < bytes.length;) start += (await file.write(bytes.subarray(start))).bytesWritten;
}
