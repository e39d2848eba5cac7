import { diskFull, isDiskFull } from "../disk.ts";
import { notWeights } from "./content.ts";
import { downloadFailed, Interrupted, mismatch } from "./failures.ts";
import type { Meter } from "./meter.ts";
import { causeOf, type OpenedUrl, openUrl } from "./open-url.ts";
import { type Part, type PartState, validatorOf } from "./part.ts";
import { type Storage, writeAll } from "./storage.ts";

export interface ReceiveOptions {
  url: string;
  part: Part;
  /** What the file must be, as far as it is known beforehand. */
  expected: { size: number | null; sha256: string | null };
  fetch: typeof fetch;
  storage: Storage;
  meter: Meter;
  /** Gives up when nothing comes for this long. */
  stallMs: number;
  signal: AbortSignal | undefined;
}

/**
 * One attempt: asks for what is missing, or for everything when the server has another version by now or knows no
 * ranges, and appends it to the part. Resolves when the part is whole. Throws `Interrupted`, `download_failed`,
 * `weights_mismatch` (another size or sum is announced) and `disk_full`; the part keeps what came.
 */
export async function receive(options: ReceiveOptions): Promise<PartState> {
  const { url, part, stallMs } = options;
  const { bytes, state } = part.read(url);
  if (state !== undefined && state.total === bytes) return state;
  const stall = new AbortController();
  const watch = setTimeout(() => stall.abort(), stallMs);
  const signal = AbortSignal.any([stall.signal, ...(options.signal ? [options.signal] : [])]);
  const headers: Record<string, string> = { "accept-encoding": "identity", "user-agent": "glip-sdk" };
  if (bytes > 0) Object.assign(headers, { range: `bytes=${bytes}-`, "if-range": state?.validator ?? "" });
  try {
    const opened = await openUrl(url, { fetch: options.fetch, headers, signal });
    const { offset, next } = plan(opened, { url, bytes, state, part });
    checkAnnounced(next, options);
    if (offset === 0) part.begin(next);
    await write(opened.response, offset, next, options, () => watch.refresh());
    return next;
  } catch (error) {
    if (options.signal?.aborted || !stall.signal.aborted) throw error;
    throw new Interrupted("stalled", `nothing came for ${stallMs / 1000} s`, { cause: error });
  } finally {
    clearTimeout(watch);
    stall.abort(); // whatever is left of the answer is not wanted any more
  }
}

/** From which byte on the answer is, and of which version of the file. */
function plan(
  { response, announced }: OpenedUrl,
  { url, bytes, state, part }: { url: string; bytes: number; state: PartState | undefined; part: Part },
): { offset: number; next: PartState } {
  const { status, headers } = response;
  const sha256 = announced.sha256 ?? null;
  if (status === 200) {
    const isEncoded = (headers.get("content-encoding") ?? "identity") !== "identity";
    const length = Number(headers.get("content-length") ?? Number.NaN);
    const total = !isEncoded && Number.isSafeInteger(length) ? length : (announced.size ?? null);
    return { offset: 0, next: { url, validator: isEncoded ? null : validatorOf(headers), total, sha256 } };
  }
  const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get("content-range") ?? "");
  const total = range?.[2] === undefined || range[2] === "*" ? (state?.total ?? null) : Number(range[2]);
  const version = validatorOf(headers) ?? state?.validator;
  const continues = status === 206 && state !== undefined && Number(range?.[1]) === bytes;
  if (continues && version === state.validator && (state.total === null || state.total === total))
    return { offset: bytes, next: { ...state, total, sha256: sha256 ?? state.sha256 } };
  part.discard();
  throw new Interrupted("network", "the file changed on the server meanwhile; it is fetched from its beginning", {
    status,
  });
}

/** A file of another size or sum need not be fetched to be refused. */
function checkAnnounced({ total, sha256 }: PartState, { url, part, expected }: ReceiveOptions): void {
  const wrong =
    expected.size !== null && total !== null && total !== expected.size
      ? ({ field: "size", expected: String(expected.size), received: String(total) } as const)
      : expected.sha256 !== null && sha256 !== null && sha256 !== expected.sha256
        ? ({ field: "sha256", expected: expected.sha256, received: sha256 } as const)
        : undefined;
  if (wrong === undefined) return;
  part.discard();
  throw mismatch(
    url,
    wrong,
    "Nothing was downloaded. If the new file is the right one: `npx glip weights remove NAME`.",
  );
}

async function write(
  response: Response,
  offset: number,
  { total }: PartState,
  { url, part, storage, meter }: ReceiveOptions,
  alive: () => void,
): Promise<void> {
  const free = storage.freeBytes(part.path);
  if (total !== null && free !== undefined && total - offset > free) throw diskFull(part.path, total - offset);
  meter.start(offset, total ?? undefined);
  let position = offset;
  try {
    const file = await storage.open(part.path, offset === 0 ? "w" : "a");
    try {
      for await (const chunk of chunks(response)) {
        alive();
        if (position === 0) refuseOther(chunk, url);
        await writeAll(file, chunk);
        position += chunk.length;
        meter.add(chunk.length);
      }
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw isDiskFull(error) ? diskFull(part.path, total === null ? undefined : total - position, error) : error;
  }
  meter.end();
  if (position === 0) refuseOther(new Uint8Array(), url);
  if (total === null || position === total) return;
  if (position > total) part.discard();
  throw new Interrupted("network", `the connection ended after ${position} of ${total} bytes`);
}

async function* chunks(response: Response): AsyncGenerator<Uint8Array> {
  if (response.body === null) return;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  for (;;) {
    const next = await reader.read().catch((error: unknown) => {
      throw new Interrupted("network", causeOf(error), { cause: error });
    });
    if (next.done) return;
    yield next.value;
  }
}

function refuseOther(head: Uint8Array, url: string): void {
  const found = notWeights(head);
  if (found !== undefined) throw downloadFailed(url, "web_page", `the server gave ${found} instead of the file`);
}
