import { type DownloadFailure, GlipError, messageOf } from "../errors.ts";

export interface DownloadOptions {
  maxBytes: number;
  timeoutMs: number;
  signal: AbortSignal | undefined;
}

/**
 * Fetches a picture into memory.
 * @throws GlipError `download_failed` for what the server or the network did, `file_error` when it has more than
 *   `maxBytes`, `cancelled`
 */
export async function download(url: URL, { maxBytes, timeoutMs, signal }: DownloadOptions): Promise<Uint8Array> {
  const name = nameOf(url);
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
  let bytes = 0;
  let status: number | undefined;
  const failed = (reason: DownloadFailure, text: string, cause?: unknown): GlipError<"download_failed"> =>
    new GlipError(
      "download_failed",
      `Cannot get the picture ${name}: ${text}`,
      { url: name, reason, status, bytes },
      { cause },
    );
  try {
    const { address, headers } = withoutCredentials(url);
    const response = await fetch(address, { signal: either, headers, redirect: "follow" });
    const isLocal = url.protocol === "data:" || url.protocol === "blob:";
    status = isLocal ? undefined : response.status;
    const problem = problemOf(response, isLocal);
    if (problem !== undefined) {
      await response.body?.cancel();
      throw failed(...problem);
    }
    const parts: Uint8Array[] = [];
    const announced = Number(response.headers.get("content-length") ?? 0);
    // Leaving the loop early closes the connection.
    for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
      bytes += part.length;
      if (Math.max(bytes, announced) > maxBytes) {
        const reason = `it has more than maxBytes: ${maxBytes} bytes`;
        throw new GlipError("file_error", `Cannot use ${name} as a picture: ${reason}.`, { path: name, reason });
      }
      parts.push(part);
    }
    if (bytes === 0) throw failed("network", "the server sent no bytes.");
    return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
  } catch (cause) {
    if (cause instanceof GlipError) throw cause;
    if (signal?.aborted) {
      throw new GlipError("cancelled", "The call was cancelled by its signal.", {}, { cause: signal.reason });
    }
    if (timeout.aborted) throw failed("stalled", `it did not arrive within ${timeoutMs} ms.`, cause);
    const inner = cause instanceof Error && cause.cause !== undefined ? messageOf(cause.cause) : messageOf(cause);
    throw failed(/redirect/i.test(inner) ? "redirects" : "network", `${inner}.`, cause);
  }
}

/** What is wrong with an answer before its body is read. */
function problemOf(response: Response, isLocal: boolean): [DownloadFailure, string] | undefined {
  const { status } = response;
  if (status === 404 || status === 410) return ["not_found", `the server does not have it (status ${status}).`];
  if (!response.ok) return ["refused", `the server answered with status ${status}.`];
  const type = response.headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === "text/html" || type === "application/xhtml+xml") {
    return ["web_page", "it is a web page, not a picture. Open it and take the address of the picture in it."];
  }
  const isPicture = type === "" || type.startsWith("image/") || /octet-stream$|^application\/binary$/.test(type);
  if (isPicture || (isLocal && type === "text/plain")) return undefined;
  return ["refused", `its content type is ${type}, not a picture's.`];
}

/** fetch refuses a URL with a user's name in it; the header says the same. */
function withoutCredentials(url: URL): { address: URL; headers: Record<string, string> } {
  if (url.username === "" && url.password === "") return { address: url, headers: {} };
  const address = new URL(url);
  address.username = address.password = "";
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  return { address, headers: { authorization: `Basic ${Buffer.from(credentials).toString("base64")}` } };
}

/** The URL as it may be shown: without a password, and not all of a `data:` URL. */
function nameOf(url: URL): string {
  const shown = new URL(url.href.length > 2000 ? `${url.href.slice(0, 60)}…` : url.href);
  if (shown.password !== "") shown.password = "***";
  return shown.href.length > 200 ? `${shown.href.slice(0, 200)}…` : shown.href;
}
