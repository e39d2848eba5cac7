import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";

import { cancelled, throwIfCancelled } from "../cancelled.ts";
import { Meter, type PullProgress } from "./meter.ts";

const CHUNK = 1 << 20;

/** Reads a file through, and says its size and hex sha256. */
export async function digestFile(
  path: string,
  options: { signal?: AbortSignal | undefined; onProgress?: ((progress: PullProgress) => void) | undefined } = {},
): Promise<{ size: number; sha256: string }> {
  const { signal } = options;
  throwIfCancelled(signal);
  const meter = new Meter("verify", options.onProgress);
  meter.start(0, (await stat(path)).size);
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK })) {
    if (signal?.aborted) throw cancelled(signal);
    const bytes = chunk as Buffer;
    hash.update(bytes);
    size += bytes.length;
    meter.add(bytes.length);
  }
  meter.end();
  return { size, sha256: hash.digest("hex") };
}
