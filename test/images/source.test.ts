import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { resolveImage, type ImageInput } from "../../src/images/source.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { temporaryFolder } from "../support/folders.ts";

const bytes = Uint8Array.of(0x89, 0x50, 0x4e, 0x47);
const encoded = { encoded: new Tensor("uint8", [4], bytes) };
const fails = (image: unknown, options = {}) => ({
  toMatchObject: (error: object) => expect(resolveImage(image as ImageInput, options)).rejects.toMatchObject(error),
});

function picture(): string {
  const file = join(temporaryFolder(), "a picture.png");
  writeFileSync(file, bytes);
  return file;
}

describe("a file", () => {
  it("stays a path for a worker on this host, by string or URL", async () => {
    const file = picture();
    expect(await resolveImage(file)).toEqual({ path: file });
    expect(await resolveImage(pathToFileURL(file))).toEqual({ path: file });
  });

  it("is made absolute", async () => {
    expect(await resolveImage("package.json")).toEqual({ path: join(process.cwd(), "package.json") });
  });

  it("is read for a worker on another host", async () => {
    expect(await resolveImage(picture(), { sameHost: false })).toEqual(encoded);
    await fails(picture(), { sameHost: false, maxBytes: 3 }).toMatchObject({
      code: "file_error",
      details: { reason: "it has 4 bytes, more than maxBytes: 3" },
    });
  });

  it("that cannot be used is told at once, with the reason", async () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "sub"));
    writeFileSync(join(folder, "empty.png"), "");
    const cases = {
      "nothing.png": "there is no such file",
      "empty.png/below.png": "there is no such file",
      sub: "it is a folder",
      "empty.png": "it is empty",
      "a\0b.png": "it has a NUL character in it",
      ["x".repeat(300)]: "a name in it is too long",
    };
    for (const [name, reason] of Object.entries(cases)) {
      const path = join(folder, name);
      const message = `Cannot use ${path} as a picture: ${reason}.`;
      await fails(path).toMatchObject({ code: "file_error", message, details: { path, reason } });
    }
    await fails("/dev/null").toMatchObject({ code: "file_error", details: { reason: "it is not a regular file" } });
  });

  it("is not a URL in a string", async () => {
    for (const text of ["https://example.com/dog.jpg", "file:///dog.jpg", "data:image/png;base64,AAAA"]) {
      await fails(text).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("new URL(") });
    }
    await fails("").toMatchObject({ code: "invalid_argument" });
    await fails(new URL("ftp://example.com/a.png")).toMatchObject({ code: "invalid_argument" });
  });
});

describe("bytes", () => {
  it("are taken as they are, without a copy", async () => {
    expect(await resolveImage(bytes)).toEqual(encoded);
    expect(await resolveImage(Buffer.from(bytes))).toEqual(encoded);
    expect(await resolveImage(bytes.slice().buffer)).toEqual(encoded);
    expect(await resolveImage(new Blob([bytes]))).toEqual(encoded);
    const resolved = (await resolveImage(bytes)) as typeof encoded;
    expect(resolved.encoded.data.buffer).toBe(bytes.buffer);
  });

  it("in memory that threads share are copied", async () => {
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set(bytes);
    expect(await resolveImage(shared)).toEqual(encoded);
  });

  it("must be some", async () => {
    await fails(new Uint8Array()).toMatchObject({ code: "invalid_argument", details: { received: "0 bytes" } });
    await fails(new Blob([bytes]), { maxBytes: 3 }).toMatchObject({ code: "file_error" });
  });
});

describe("pixels", () => {
  it("are RGB, RGBA or gray, from ImageData or a tensor", async () => {
    const rgb = new Uint8Array(2 * 3 * 3).fill(7);
    const wanted = { pixels: new Tensor("uint8", [2, 3, 3], rgb) };
    expect(await resolveImage({ data: rgb, width: 3, height: 2 })).toEqual(wanted);
    expect(await resolveImage({ data: rgb, width: 3, height: 2, channels: 3 })).toEqual(wanted);
    expect(await resolveImage(wanted.pixels)).toEqual(wanted);
    const rgba = await resolveImage({ data: new Uint8ClampedArray(24), width: 3, height: 2 });
    expect(rgba).toMatchObject({ pixels: { shape: [2, 3, 4] } });
    expect(await resolveImage({ data: new Uint8Array(6), width: 3, height: 2 })).toMatchObject({
      pixels: { shape: [2, 3, 1] },
    });
  });

  it.each([
    [{ data: new Uint8Array(5), width: 3, height: 2 }, "image.data: expected 3 x 2 x 1, 3 or 4 bytes"],
    [{ data: new Uint8Array(12), width: 3, height: 2 }, "image.data: expected 3 x 2 x 1, 3 or 4 bytes"],
    [{ data: new Uint8Array(18), width: 3, height: 2, channels: 4 }, "image.data: expected 3 x 2 x 4 bytes, got 18"],
    [{ data: new Uint8Array(0), width: 0, height: 2 }, "image.width: expected an integer > 0, got 0"],
    [{ data: [1, 2, 3], width: 1, height: 1 }, "image.data: expected a Uint8Array or Uint8ClampedArray, got Array"],
    [Tensor.zeros("float32", [2, 3, 3]), "values 0 to 255, got Tensor(float32 [2, 3, 3])"],
    [Tensor.zeros("uint8", [2, 3]), "with 1, 3 or 4 channels, got Tensor(uint8 [2, 3])"],
    [Tensor.zeros("uint8", [3, 2, 5]), "got Tensor(uint8 [3, 2, 5])"],
    [[1, 2], "got an array of 2"],
    [null, "got null"],
    [{ path: "a.png" }, "got an object (Object)"],
    [7, "image: expected a path, a URL, encoded bytes"],
  ])("that do not fit are refused by name: %#", async (image, message) => {
    await fails(image).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(message) });
  });
});

describe("a URL", () => {
  let server: Server | undefined;
  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
  });

  async function serve(listener: RequestListener): Promise<URL> {
    server = createServer(listener);
    await new Promise<void>((done) => server?.listen(0, "127.0.0.1", done));
    return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/a.png`);
  }

  it("is fetched, with a user's name and password too", async () => {
    let authorization: string | undefined;
    const url = await serve((request, response) => {
      authorization = request.headers.authorization;
      response.writeHead(200, { "content-type": "image/png" }).end(bytes);
    });
    expect(await resolveImage(url)).toEqual(encoded);
    url.username = "me";
    url.password = "s3cret";
    expect(await resolveImage(url)).toEqual(encoded);
    expect(authorization).toBe(`Basic ${Buffer.from("me:s3cret").toString("base64")}`);
  });

  it("with its data in itself is decoded", async () => {
    expect(await resolveImage(new URL(`data:image/png;base64,${Buffer.from(bytes).toString("base64")}`))).toEqual(
      encoded,
    );
    await fails(new URL("data:text/html,<p>")).toMatchObject({
      code: "download_failed",
      details: { reason: "web_page" },
    });
    const blob = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
    expect(await resolveImage(new URL(blob))).toEqual(encoded);
  });

  it.each<[string, RequestListener, object]>([
    ["not_found", (_, response) => response.writeHead(404).end("no"), { reason: "not_found", status: 404 }],
    ["refused", (_, response) => response.writeHead(403).end("no"), { reason: "refused", status: 403 }],
    [
      "a web page",
      (_, response) => response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end("<p>"),
      { reason: "web_page" },
    ],
    [
      "another type",
      (_, response) => response.writeHead(200, { "content-type": "application/json" }).end("{}"),
      { reason: "refused" },
    ],
    [
      "nothing",
      (_, response) => response.writeHead(200, { "content-type": "image/png" }).end(),
      { reason: "network", bytes: 0 },
    ],
    ["a circle", (_, response) => response.writeHead(302, { location: "/a.png" }).end(), { reason: "redirects" }],
    [
      "a cut line",
      (_, response) => {
        response.writeHead(200, { "content-type": "image/png", "content-length": 100 }).write(bytes);
        setTimeout(() => response.destroy(), 20);
      },
      { reason: "network" },
    ],
  ])("that answers with %s gives a typed error", async (_name, listener, details) => {
    const url = await serve(listener);
    url.password = "s3cret";
    const error = await resolveImage(url).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "download_failed", details });
    expect(JSON.stringify(error)).not.toContain("s3cret");
  });

  it("is given up when nothing comes, when too much comes, and when the caller says so", async () => {
    const silent = await serve(() => {});
    await fails(silent, { timeoutMs: 50 }).toMatchObject({ code: "download_failed", details: { reason: "stalled" } });
    const reason = new Error("enough");
    await fails(silent, { signal: AbortSignal.abort(reason) }).toMatchObject({ code: "cancelled", cause: reason });
    const controller = new AbortController();
    setTimeout(() => controller.abort(reason), 30);
    await fails(silent, { signal: controller.signal }).toMatchObject({ code: "cancelled", cause: reason });
    server?.closeAllConnections();
    const endless = await serve((_, response) => {
      response.writeHead(200, { "content-type": "image/png" });
      const timer = setInterval(() => response.write(Buffer.alloc(1000)), 1);
      response.on("close", () => clearInterval(timer));
    });
    await fails(endless, { maxBytes: 10_000 }).toMatchObject({
      code: "file_error",
      message: /more than maxBytes: 10000/,
    });
  });

  it("that nobody answers at gives a typed error", async () => {
    await fails(new URL("http://127.0.0.1:1/a.png")).toMatchObject({
      code: "download_failed",
      details: { reason: "network" },
    });
  });
});
