/** A web service that finds things in pictures. One worker serves all requests; those that wait share forward passes. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type ErrorCode, type Glip, isGlipError, launch } from "glip-sdk";

const MAX_BYTES = 16 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/** Errors that the client can do something about; all others are the service's own. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  invalid_argument: 400,
  image_invalid: 422,
  out_of_memory: 413,
  queue_full: 503,
  deadline_exceeded: 504,
};

export interface App {
  url: string;
  /** Ends it: what was asked before is answered, then the worker ends too. SIGTERM and SIGINT do the same. */
  close(): Promise<void>;
  /** Resolves when everything is at an end. */
  closed: Promise<void>;
}

/** @param port 0: any that is free */
export async function start(port: number): Promise<App> {
  const glip = await launch({ restart: { max: 3 } });
  const server = createServer((request, response) => void answer(glip, request, response));
  server.requestTimeout = TIMEOUT_MS;
  server.listen(port);
  await once(server, "listening").catch(async (error: unknown) => {
    await glip.close();
    throw error;
  });
  const closed = once(server, "close").then(() => glip.close());
  const close = (): Promise<void> => {
    if (server.listening) server.close();
    return closed;
  };
  // Once: a second signal does what it always does.
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void close());
  return { url: `http://localhost:${(server.address() as AddressInfo).port}`, close, closed };
}

class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

async function answer(glip: Glip, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A client that leaves does not want its answer: the worker need not compute it.
  const left = new AbortController();
  response.once("close", () => left.abort());
  try {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
    if (pathname !== "/detect")
      throw new Refusal(404, `there is no ${pathname}: POST a picture to /detect?categories=…`);
    if (request.method !== "POST") throw new Refusal(405, `${request.method} does nothing here: POST a picture`);
    await detect(glip, searchParams, request, response, left.signal);
  } catch (error) {
    if (!response.headersSent && !response.destroyed) refuse(error, response);
  }
}

async function detect(
  glip: Glip,
  query: URLSearchParams,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const picture = await readBody(request);
  const categories = query.getAll("categories").flatMap((list) => list.split(","));
  const threshold = query.has("threshold") ? Number(query.get("threshold")) : undefined;
  const seen = await glip.detect(
    picture,
    categories.map((name) => name.trim()).filter((name) => name !== ""),
    { threshold, signal, timeoutMs: TIMEOUT_MS },
  );
  if (request.headers.accept?.includes("image/png")) {
    response.setHeader("content-type", "image/png").end(await seen.encode("png", { signal }));
  } else {
    response.setHeader("content-type", "application/json").end(JSON.stringify(seen));
  }
}

async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const parts: Buffer[] = [];
  let bytes = Number(request.headers["content-length"] ?? 0);
  if (bytes <= MAX_BYTES) {
    bytes = 0;
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      // Read to its end all the same: the client hears an answer only when it has sent everything.
      if (bytes <= MAX_BYTES) parts.push(part);
    }
  }
  if (bytes > MAX_BYTES) throw new Refusal(413, `a picture of at most ${MAX_BYTES / 2 ** 20} MiB is taken`);
  return Buffer.concat(parts);
}

function refuse(error: unknown, response: ServerResponse): void {
  const code = isGlipError(error) ? error.code : undefined;
  const status = error instanceof Refusal ? error.status : ((code && STATUS[code]) ?? 500);
  if (status === 500) console.error(error);
  const message =
    status === 500 || !(error instanceof Error) ? "the service's log says what went wrong" : error.message;
  if (status === 405) response.setHeader("allow", "POST");
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ code, message }));
}
