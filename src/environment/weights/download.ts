import { setTimeout as sleep } from "node:timers/promises";

import { cancelled } from "../cancelled.ts";
import { downloadFailed, Interrupted } from "./failures.ts";
import { Meter, type PullProgress } from "./meter.ts";
import { Part, type PartState } from "./part.ts";
import { receive, type ReceiveOptions } from "./receive.ts";
import { realStorage, type Storage } from "./storage.ts";

/** How many attempts in a row may bring nothing that stays. */
const ATTEMPTS = 5;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
const STALL_MS = 30_000;

/** How a download behaves when the connection does not. */
export interface DownloadOptions {
  /** @default the runtime's own fetch */
  fetch?: typeof fetch | undefined;
  /** Attempts in a row that may bring nothing that stays; whenever one added to the part, counting starts anew. @default 5 */
  attempts?: number | undefined;
  /** The pause after the first failed attempt; it doubles each time, up to 30 s. @default 500 */
  firstDelayMs?: number | undefined;
  /** An attempt that brings nothing for this long is given up. @default 30 000 */
  stallMs?: number | undefined;
  /** @default the real disk */
  storage?: Partial<Storage> | undefined;
  onProgress?: ((progress: PullProgress) => void) | undefined;
  /** Hears of retries, of what is recorded, and of who is waited for. */
  onMessage?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Fetches `url` into `<file>.part`, continuing what an earlier attempt left there, and retries while that helps.
 * Resolves when the part is whole; nobody has checked its content yet.
 */
export async function download(
  url: string,
  file: string,
  expected: ReceiveOptions["expected"],
  options: DownloadOptions = {},
): Promise<{ part: Part; state: PartState }> {
  const { signal, onMessage, attempts = ATTEMPTS, firstDelayMs = FIRST_DELAY_MS } = options;
  const part = new Part(file);
  const meter = new Meter("download", options.onProgress);
  let fruitless = 0;
  for (;;) {
    const before = { begins: part.begins, bytes: part.read(url).bytes };
    try {
      const state = await receive({
        url,
        part,
        expected,
        fetch: options.fetch ?? fetch,
        storage: { ...realStorage, ...options.storage },
        meter,
        stallMs: options.stallMs ?? STALL_MS,
        signal,
      });
      return { part, state };
    } catch (error) {
      if (signal?.aborted) throw cancelled(signal);
      if (!(error instanceof Interrupted)) throw error;
      const { bytes } = part.read(url);
      // Bytes that came are worth nothing where each attempt begins anew.
      fruitless = part.begins === before.begins && bytes > before.bytes ? 1 : fruitless + 1;
      const { status, reason, message, waitMs } = error;
      if (fruitless >= attempts)
        throw downloadFailed(url, reason, `${message}, after ${bytes} bytes`, { status, bytes, cause: error });
      const delay = Math.min(waitMs ?? firstDelayMs * 2 ** (fruitless - 1), LONGEST_DELAY_MS);
      onMessage?.(`The download broke off (${message}); trying again in ${(delay / 1000).toFixed(1)} s.`);
      await sleep(delay, undefined, signal ? { signal } : {}).catch(() => {});
      if (signal?.aborted) throw cancelled(signal);
    }
  }
}
