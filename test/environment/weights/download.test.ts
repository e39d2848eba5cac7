import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { pullWeights, type PullOptions } from "../../../src/environment/weights/pull.ts";
import { isGlipError } from "../../../src/errors.ts";
import { temporaryFolder } from "../../support/folders.ts";
import {
  type Answer,
  giveFile,
  makeWeights,
  type Request,
  serveWeights,
  type WeightsServer,
} from "../../support/weights-server.ts";

const hasty = { firstDelayMs: 5, stallMs: 400 };

async function pullFrom(
  answer: Answer,
  options: PullOptions = {},
): Promise<{ server: WeightsServer; home: string; result: Promise<Buffer> }> {
  const server = await serveWeights(answer);
  const home = options.home ?? temporaryFolder();
  const pulled = pullWeights(`${server.url}mine.pth`, { ...hasty, home, ...options });
  return { server, home, result: pulled.then(({ path }) => readFileSync(path)) };
}

/** On a busy machine a client that is cut off may not have read all that was sent. */
function resumedAt(request: Request | undefined): number {
  if (request?.range === undefined) return 0;
  expect(request.ifRange).toBe('"one"');
  return Number(/^bytes=(\d+)-$/.exec(request.range)?.[1]);
}

const leftIn = (home: string): string[] => readdirSync(join(home, "weights")).sort();

describe("a connection that is cut", () => {
  test.each([1, 7, 8, 65_536, 123_457, 299_999])("after %i bytes is resumed there", async (after) => {
    const { bytes } = makeWeights();
    const { server, home, result } = await pullFrom((request, response, count) =>
      giveFile(request, response, bytes, { stop: count === 0 ? { after, by: "cut" } : undefined }),
    );
    expect((await result).equals(bytes)).toBe(true);
    expect(server.requests).toHaveLength(2);
    expect(resumedAt(server.requests[1])).toBeLessThanOrEqual(after);
    expect(leftIn(home)).toEqual(["mine.pth", "mine.pth.json"]);
  });

  test("again and again, at random places, still ends with the same bytes", async () => {
    const { bytes } = makeWeights(1_000_000);
    const { server, result } = await pullFrom((request, response) =>
      giveFile(request, response, bytes, { stop: { after: 1 + Math.floor(Math.random() * 200_000), by: "cut" } }),
    );
    expect((await result).equals(bytes)).toBe(true);
    expect(server.requests.length).toBeGreaterThan(4);
  });

  test("is fetched from the beginning by a server without ranges", async () => {
    const { bytes } = makeWeights();
    const { server, result } = await pullFrom((request, response, count) =>
      giveFile(request, response, bytes, {
        ranges: false,
        stop: count < 2 ? { after: 100_000, by: "cut" } : undefined,
      }),
    );
    expect((await result).equals(bytes)).toBe(true);
    expect(server.requests).toHaveLength(3);
  });

  test("is fetched from the beginning when nothing tells one version from another", async () => {
    const { bytes } = makeWeights();
    const { server, result } = await pullFrom((request, response, count) =>
      giveFile(request, response, bytes, { etag: "", stop: count === 0 ? { after: 100_000, by: "cut" } : undefined }),
    );
    expect((await result).equals(bytes)).toBe(true);
    expect(server.requests.map(({ range }) => range)).toEqual([undefined, undefined]);
  });

  test.each(["", '"one"'])(
    "each time at the same place ends with an error where nothing can be kept: ETag %j",
    async (etag) => {
      const { bytes } = makeWeights();
      const { result, server } = await pullFrom((request, response) =>
        giveFile(request, response, bytes, { etag, ranges: false, stop: { after: 100_000, by: "cut" } }),
      );
      await expect(result).rejects.toMatchObject({ code: "download_failed", details: { reason: "network" } });
      expect(server.requests.length).toBeLessThan(20);
    },
  );

  test("is fetched from the beginning when the file changed meanwhile, also by a server that ignores If-Range", async () => {
    const [old, fresh] = [makeWeights(), makeWeights()];
    for (const honest of [true, false]) {
      const { result } = await pullFrom((request, response, count) => {
        if (count === 0) return giveFile(request, response, old.bytes, { stop: { after: 100_000, by: "cut" } });
        if (!honest) delete request.headers["if-range"];
        giveFile(request, response, fresh.bytes, { etag: '"two"' });
      });
      expect((await result).equals(fresh.bytes), String(honest)).toBe(true);
    }
  });

  test("for good ends with an error, and the part is there for the next run", async () => {
    const { bytes } = makeWeights();
    const home = temporaryFolder();
    const { result, server } = await pullFrom(
      (request, response, count) => {
        if (count === 0) giveFile(request, response, bytes, { stop: { after: 100_000, by: "cut" } });
        else response.destroy();
      },
      { home },
    );
    const url = `${server.url}mine.pth`;
    const detailsOf = (error: unknown): unknown => (isGlipError(error, "download_failed") ? error.details : error);
    const details = await result.catch(detailsOf);
    const { size } = statSync(join(home, "weights", "mine.pth.part"));
    expect(details).toEqual({ reason: "network", bytes: size, url, status: undefined });
    expect(size).toBeGreaterThan(0);
    expect(server.requests.length).toBeLessThanOrEqual(6);
    expect(leftIn(home)).toEqual(["mine.pth.part", "mine.pth.part.json"]);
  });
});

test("a server that falls silent is given up and asked again", async () => {
  const { bytes } = makeWeights();
  const { result, server } = await pullFrom((request, response, count) => {
    if (count === 1) return; // not even a header
    giveFile(request, response, bytes, { stop: count === 0 ? { after: 50_000, by: "stall" } : undefined });
  });
  const began = performance.now();
  expect((await result).equals(bytes)).toBe(true);
  expect(performance.now() - began).toBeLessThan(3_000);
  expect(server.requests[2]?.range).toBe("bytes=50000-");
});

test("a server that stays silent ends with an error", async () => {
  const { result } = await pullFrom(() => {}, { attempts: 2, stallMs: 100 });
  await expect(result).rejects.toMatchObject({ code: "download_failed", details: { reason: "stalled" } });
});

test("a slow server is no silent one", async () => {
  const { bytes } = makeWeights(1_000);
  const { result, server } = await pullFrom(
    (_, response) => {
      response.writeHead(200, { "content-length": bytes.length, etag: '"one"' });
      let sent = 0;
      const timer = setInterval(() => {
        response.write(bytes.subarray(sent, sent + 100));
        sent += 100;
        if (sent >= bytes.length) {
          clearInterval(timer);
          response.end();
        }
      }, 60);
    },
    { stallMs: 300 },
  );
  expect((await result).equals(bytes)).toBe(true);
  expect(server.requests).toHaveLength(1);
});

test("follows redirects, absolute and relative, on every attempt anew", async () => {
  const { bytes } = makeWeights();
  const { result, server } = await pullFrom((request, response, count) => {
    const host = `http://${request.headers.host}`;
    if (request.url === "/mine.pth") response.writeHead(302, { location: `${host}/a/b` }).end();
    else if (request.url === "/a/b") response.writeHead(307, { location: "../c?signed=1" }).end();
    else giveFile(request, response, bytes, { stop: count < 3 ? { after: 1_000, by: "cut" } : undefined });
  });
  expect((await result).equals(bytes)).toBe(true);
  expect(server.requests.map(({ path }) => path)).toEqual([
    "/mine.pth",
    "/a/b",
    "/c?signed=1",
    "/mine.pth",
    "/a/b",
    "/c?signed=1",
  ]);
  expect(resumedAt(server.requests[5])).toBeLessThanOrEqual(1_000);
});

test.each([
  ["a circle", { location: "/mine.pth" }, /more than 10 times/],
  ["nowhere", {}, /redirects to nowhere/],
  ["what is not the web", { location: "ftp://127.0.0.1/mine.pth" }, /which is not encrypted/],
] as const)("redirects to %s are given up at once", async (_, headers, message) => {
  const { result, server } = await pullFrom((_request, response) => void response.writeHead(302, headers).end());
  await expect(result).rejects.toMatchObject({ code: "download_failed", details: { reason: "redirects" } });
  await expect(result).rejects.toThrow(message);
  expect(server.requests.length).toBeLessThanOrEqual(11);
});

const page = "<!DOCTYPE html><html><body>Sorry</body></html>";

test.each([
  ["404 with a page", 404, "text/html", page, "not_found"],
  ["410", 410, "text/plain", "gone", "not_found"],
  ["403", 403, "application/xml", "<Error/>", "refused"],
  ["a page with status 200", 200, "text/html; charset=utf-8", page, "web_page"],
  ["a page that calls itself a file", 200, "application/octet-stream", `\n ${page}`, "web_page"],
  ["nothing", 200, "application/octet-stream", "", "web_page"],
  ["a git-lfs pointer", 200, "text/plain", "version https://git-lfs.github.com/spec/v1\n", "web_page"],
] as const)("%s is refused at once", async (_, status, type, body, reason) => {
  const { result, server, home } = await pullFrom(
    (_request, response) => void response.writeHead(status, { "content-type": type, etag: '"one"' }).end(body),
  );
  await expect(result).rejects.toMatchObject({ code: "download_failed", details: { reason } });
  expect(server.requests).toHaveLength(1);
  expect(leftIn(home)).not.toContain("mine.pth");
});

test("a page after a refused file does not become its beginning", async () => {
  const { bytes } = makeWeights();
  const home = temporaryFolder();
  const answer: Answer = (_request, response) => void response.writeHead(200, { etag: '"one"' }).end(page);
  await expect((await pullFrom(answer, { home })).result).rejects.toMatchObject({ details: { reason: "web_page" } });
  const { result } = await pullFrom((request, response) => giveFile(request, response, bytes), { home });
  expect((await result).equals(bytes)).toBe(true);
});

test("a server that cannot just now is asked again, not sooner than it says", async () => {
  const { bytes } = makeWeights();
  const messages: string[] = [];
  const { result } = await pullFrom(
    (request, response, count) => {
      if (count === 0) response.writeHead(503, { "retry-after": "0.2", "content-type": "text/html" }).end(page);
      else giveFile(request, response, bytes);
    },
    { onMessage: (message) => messages.push(message) },
  );
  expect((await result).equals(bytes)).toBe(true);
  expect(messages[0]).toBe("The download broke off (the server answered HTTP 503); trying again in 0.2 s.");
  const always = await pullFrom((_request, response) => void response.writeHead(500).end(), { attempts: 2 });
  await expect(always.result).rejects.toMatchObject({ details: { reason: "refused", status: 500 } });
});

test("nobody at the address", async () => {
  const home = temporaryFolder();
  const pull = pullWeights("http://127.0.0.1:9/mine.pth", { ...hasty, home, attempts: 2, fetch: badPortsToo });
  await expect(pull).rejects.toMatchObject({ code: "download_failed", details: { reason: "network", bytes: 0 } });
});

/** fetch refuses some ports before it tries; another one of this machine answers as little. */
const badPortsToo: typeof fetch = (_, init) => fetch("http://127.0.0.1:54321/mine.pth", init);
