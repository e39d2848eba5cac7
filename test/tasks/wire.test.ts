import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Glip } from "../../src/glip.ts";
import { connect, launch } from "../../src/launch.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { failure, prepare } from "../support/faults.ts";
import { fixture, temporaryFolder } from "../support/folders.ts";
import { startWorker } from "../support/worker.ts";

// The worker's vision methods are test/fixtures/plugins/wire.py: no model, but Python reads and counts what it gets.
const plugins = { plugins: ["wire"], pythonPath: [fixture("plugins")] };
const bytes = Uint8Array.of(1, 2, 3, 4, 5);
let glip: Glip;

beforeAll(async () => {
  const { options } = await prepare();
  glip = await launch({ ...options, ...plugins });
});
afterAll(() => glip.close());

const seen = (handle = glip) => handle.call("wire.seen") as Promise<Record<string, unknown>>;

function picture(): string {
  const file = join(temporaryFolder(), "a picture.png");
  writeFileSync(file, bytes);
  return file;
}

describe("detect", () => {
  it("gives an object for each row, labelled as asked for", async () => {
    const categories = ["a dog", "🐈 cat", "собака", "toString"];
    const found = await glip.detect(bytes, categories, { threshold: 0.25 });
    expect(found.toJSON()).toEqual({
      width: 640,
      height: 480,
      categories,
      objects: categories.map((label, category) => ({
        label,
        category,
        score: 0.25,
        box: [4 * category, 4 * category + 1, 4 * category + 2, 4 * category + 3],
      })),
      passes: 1,
    });
  });

  it("sends the options, and what the caller left out as nothing", async () => {
    await glip.detect(bytes, ["dog"]);
    const nothing = { max_objects: null, short_side: null, long_side: null, thresholds: null };
    expect(await seen()).toMatchObject({ threshold: 0.5, features: false, masks: false, ...nothing });
    await glip.detect(bytes, ["dog", "cat"], { threshold: 0.25, thresholds: { cat: 0.75 } });
    expect(await seen()).toMatchObject({ threshold: 0.25, thresholds: [0.25, 0.75] });
    await glip.detect(bytes, ["dog"], { threshold: 0, maxObjects: 3, shortSide: 640, longSide: 1000 });
    expect(await seen()).toMatchObject({ threshold: 0, max_objects: 3, short_side: 640, long_side: 1000 });
  });

  it("asks for the features that embed gives, and refuses an answer without them", async () => {
    const { message } = await failure(glip.embed(bytes, ["dog"]), "invalid_message");
    expect(message).toContain("features do not belong to 1 objects of 1 kinds");
    expect(await seen()).toMatchObject({ features: true });
  });

  it("reads a hundred thousand objects", async () => {
    const categories = Array.from({ length: 100_000 }, (_, index) => `category ${index}`);
    const { objects } = await glip.detect(bytes, categories);
    expect(objects).toHaveLength(100_000);
    expect(objects[99_999]).toEqual({
      label: "category 99999",
      category: 99_999,
      score: 0.5,
      box: [399_996, 399_997, 399_998, 399_999],
    });
  });
});

describe("ground", () => {
  it("cuts the caption where Python does, whatever is in it", async () => {
    const caption = "🐕 dog, 👩‍🚀 и 一只猫 cafe\u0301 𝒜! end";
    const { phrases } = await glip.ground(bytes, caption);
    expect(phrases.map(({ text }) => text)).toEqual(caption.split(" "));
    for (const { text, span } of phrases) expect(caption.slice(...span)).toBe(text);
  });

  it("sends phrases that Python cuts to the same texts", async () => {
    const caption = "🐕 a dog 👩‍🚀 and a dog, 🐈";
    const { phrases } = await glip.ground(bytes, caption, { phrases: ["🐈", [0, 2], "a dog", "a dog"] });
    expect(await seen()).toMatchObject({ texts: ["🐈", "🐕", "a dog", "a dog"] });
    expect(phrases.map(({ text }) => text)).toEqual(["🐕", "a dog", "a dog", "🐈"]);
    expect(phrases.map(({ span: [start] }) => start)).toEqual([
      0,
      caption.indexOf("a dog"),
      caption.lastIndexOf("a dog"),
      caption.indexOf("🐈"),
    ]);
  });

  it("names a phrase that the worker refuses as the caller knows it", async () => {
    const call = glip.ground(bytes, "a dog!", { phrases: ["a dog", "!"] });
    const { message, details } = await failure(call, "invalid_argument");
    expect(details.path).toBe("options.phrases[1]");
    expect(message).toBe("options.phrases[1]: expected a span with a word in it, got '!'");
  });

  it("gives each phrase its objects, best first, and all of them together", async () => {
    const found = await glip.ground(bytes, "one two");
    expect(found.phrases.map(({ objects }) => objects.map(({ label, phrase }) => [label, phrase]))).toEqual([
      [
        ["one", 0],
        ["one", 0],
      ],
      [
        ["two", 1],
        ["two", 1],
      ],
    ]);
    for (const { objects } of [found, ...found.phrases])
      expect(objects.map(({ score }) => score)).toEqual(objects.map(({ score }) => score).sort((a, b) => b - a));
    expect(found.objects).toHaveLength(4);
  });
});

describe("a picture goes", () => {
  it("as a path to a worker that launch() started", async () => {
    const file = picture();
    expect(glip.local).toBe(true);
    for (const image of [file, pathToFileURL(file)]) {
      await glip.detect(image, ["dog"]);
      expect(await seen()).toMatchObject({ image: { path: file, encoded: null, pixels: null } });
    }
  });

  it("as bytes to any other, on this host too", async () => {
    await using worker = await startWorker({ torch: false, plugins: plugins.plugins, python_path: plugins.pythonPath });
    await using remote = await connect(worker.endpoint);
    expect(remote.local).toBe(false);
    expect(remote.model).toBeUndefined();
    await remote.detect(picture(), ["dog"]);
    expect(await seen(remote)).toMatchObject({ image: { path: null, encoded: [bytes.length], pixels: null } });
  });

  it("as bytes or pixels when it is none on disk", async () => {
    for (const image of [bytes, bytes.buffer, new Blob([bytes]), new URL("data:image/png;base64,AQIDBAU=")]) {
      await glip.detect(image, ["dog"]);
      expect(await seen()).toMatchObject({ image: { path: null, encoded: [5], pixels: null } });
    }
    for (const image of [Tensor.zeros("uint8", [2, 3, 3]), { data: new Uint8Array(18), width: 3, height: 2 }]) {
      await glip.detect(image, ["dog"]);
      expect(await seen()).toMatchObject({ image: { path: null, encoded: null, pixels: [2, 3, 3] } });
    }
  });
});

describe("a call that is given up", () => {
  it("before it is sent, and while the picture is on its way", async () => {
    const reason = new Error("enough");
    const early = await failure(glip.detect(bytes, ["dog"], { signal: AbortSignal.abort(reason) }), "cancelled");
    expect(early.cause).toBe(reason);
    const { url, close } = await silentServer();
    try {
      const late = await failure(glip.detect(url, ["dog"], { timeoutMs: 200 }), "deadline_exceeded");
      expect(late.message).toBe("vision.detect: no result within 200 ms; give it more time (timeoutMs) or less work");
      expect(late.details).toEqual({ timeoutMs: 200 });
      const controller = new AbortController();
      const pending = failure(glip.ground(url, "a dog", { signal: controller.signal }), "cancelled");
      controller.abort(reason);
      expect((await pending).cause).toBe(reason);
    } finally {
      close();
    }
  });

  it("a worker without an engine says that it has no such method", async () => {
    const { options } = await prepare();
    await using bare = await launch(options);
    const { details } = await failure(bare.detect(bytes, ["dog"]), "unknown_method");
    expect(details.method).toBe("vision.detect");
  });
});

/** Takes connections, and says nothing. */
async function silentServer(): Promise<{ url: URL; close: () => void }> {
  const { createServer } = await import("node:http");
  const server = createServer(() => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: new URL(`http://127.0.0.1:${port}/picture.png`),
    close: () => (server.closeAllConnections(), server.close()),
  };
}
