import { downloadFailed, Interrupted } from "./failures.ts";

const MAX_REDIRECTS = 10;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** The server cannot now, but may soon. */
const TEMPORARY = new Set([408, 425, 429, 500, 502, 503, 504]);

export interface OpenUrlOptions {
  fetch: typeof fetch;
  headers: Record<string, string>;
  signal: AbortSignal;
}

export interface OpenedUrl {
  response: Response;
  /** What Hugging Face says of a large file, beside the address where it lies. */
  announced: { size: number | undefined; sha256: string | undefined };
}

/**
 * Requests `url`, follows redirects by hand (to keep what they say of the file) and resolves with an answer of status
 * 200, 206 or 416. Throws `download_failed` for what another attempt cannot mend, else `Interrupted`.
 */
export async function openUrl(url: string, options: OpenUrlOptions): Promise<OpenedUrl> {
  const announced: OpenedUrl["announced"] = { size: undefined, sha256: undefined };
  let address = new URL(url);
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const response = await request(address, options);
    const sum = /^"?([0-9a-f]{64})"?$/.exec(response.headers.get("x-linked-etag") ?? "")?.[1];
    const size = Number(response.headers.get("x-linked-size") ?? Number.NaN);
    if (sum !== undefined) announced.sha256 = sum;
    if (Number.isSafeInteger(size)) announced.size = size;
    if (!REDIRECTS.has(response.status)) {
      await check(response, url);
      return { response, announced };
    }
    await response.body?.cancel();
    address = follow(url, address, response.headers.get("location"));
  }
  throw downloadFailed(url, "redirects", `it was redirected more than ${MAX_REDIRECTS} times`);
}

async function request(address: URL, { fetch: fetchUrl, headers, signal }: OpenUrlOptions): Promise<Response> {
  try {
    return await fetchUrl(address.href, { headers, signal, redirect: "manual" });
  } catch (error) {
    throw signal.aborted ? error : new Interrupted("network", causeOf(error), { cause: error });
  }
}

function follow(url: string, from: URL, location: string | null): URL {
  if (location === null || !URL.canParse(location, from.href)) {
    throw downloadFailed(url, "redirects", `${from.href} redirects to nowhere`);
  }
  const to = new URL(location, from);
  if (to.protocol !== "https:" && to.protocol !== from.protocol)
    throw downloadFailed(url, "redirects", `${from.href} redirects to ${to.href}, which is not encrypted`);
  return to;
}

async function check(response: Response, url: string): Promise<void> {
  const { status, headers } = response;
  if (status === 416) return;
  const isPage = /^text\/html|^application\/xhtml/i.test(headers.get("content-type") ?? "");
  if ((status === 200 || status === 206) && !isPage) return;
  await response.body?.cancel();
  if (TEMPORARY.has(status)) {
    const seconds = Number(headers.get("retry-after") ?? Number.NaN);
    const waitMs = Number.isFinite(seconds) ? seconds * 1000 : undefined;
    throw new Interrupted("refused", `the server answered HTTP ${status}`, { status, waitMs });
  }
  if (status === 404 || status === 410)
    throw downloadFailed(url, "not_found", `there is no such file (HTTP ${status})`, { status });
  if (status >= 300) throw downloadFailed(url, "refused", `the server answered HTTP ${status}`, { status });
  throw downloadFailed(url, "web_page", "the server gave a web page instead of the file", { status });
}

/** What went wrong underneath: `fetch failed` alone says nothing. */
export function causeOf(error: unknown): string {
  const cause = (error as { cause?: { code?: string; message?: string } } | undefined)?.cause;
  return cause?.message || cause?.code || (error instanceof Error ? error.message : String(error));
}
