import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** Looks like a checkpoint from its first bytes, and cannot be compressed. */
export function makeWeights(size = 300_000): { bytes: Buffer; sha256: string } {
  const bytes = Buffer.concat([Buffer.from("PK\u0003\u0004"), randomBytes(size - 4)]);
  return { bytes, sha256: createHash("sha256").update(bytes).digest("hex") };
}

export interface Request {
  path: string;
  range: string | undefined;
  ifRange: string | undefined;
}

export type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

export interface WeightsServer {
  url: string;
  requests: Request[];
}

/** An HTTP server of this test; `count` tells `answer` how many requests came before. */
export async function serveWeights(answer: Answer): Promise<WeightsServer> {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    const { range, "if-range": ifRange } = request.headers;
    requests.push({ path: request.url ?? "", range, ifRange: typeof ifRange === "string" ? ifRange : undefined });
    response.on("error", () => {});
    answer(request, response, requests.length - 1);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, requests };
}

export interface FileOptions {
  /** @default "one", with its quotes */
  etag?: string | undefined;
  ranges?: boolean;
  /** After so many bytes of this answer the connection is cut, or nothing more comes. */
  stop?: { after: number; by: "cut" | "stall" } | undefined;
  headers?: Record<string, string>;
}

/** Answers with `bytes`, or the range of it that was asked for, as a good server does. */
export function giveFile(
  request: IncomingMessage,
  response: ServerResponse,
  bytes: Buffer,
  { etag = '"one"', ranges = true, stop, headers = {} }: FileOptions = {},
): void {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
  const condition = request.headers["if-range"];
  const start = ranges && asked !== undefined && (condition === undefined || condition === etag) ? Number(asked) : 0;
  if (start > 0 && start >= bytes.length) {
    response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    return;
  }
  const body = bytes.subarray(start);
  const range = start > 0 ? { "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {};
  const validator = etag === "" ? {} : { etag };
  response.writeHead(start > 0 ? 206 : 200, {
    "content-type": "application/octet-stream",
    "content-length": body.length,
    ...validator,
    ...range,
    ...headers,
  });
  if (stop === undefined || stop.after >= body.length) {
    response.end(body);
    return;
  }
  response.write(body.subarray(0, stop.after), () => {
    // Later, because a client that is cut off loses what it had received but not read.
    if (stop.by === "cut") setTimeout(() => response.destroy(), 60);
  });
}
