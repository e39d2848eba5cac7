import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type ErrorCode, isGlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { Detections } from "../../src/tasks/results/detections.ts";
import { root } from "../support/compile.ts";
import { failure } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";
import { plainPNG } from "../support/pictures.ts";

// glip-nano as it ships. Whatever it is given, the call after it is answered as the first one was.
const picture = join(root, "examples", "pictures", "pig.jpg");
const nano = join(root, "models", "glip-nano", "model.safetensors");
let glip: Glip;
let first: Detections;

beforeAll(async () => {
  glip = await launch({ device: "cpu", threads: 1, python: true });
  first = await detect();
}, 120_000);
afterAll(() => glip?.close());

const detect = (image: Parameters<Glip["detect"]>[0] = picture, options?: Parameters<Glip["detect"]>[2]) =>
  glip.detect(image, ["pig", "carrot"], options);

async function expectRefusal(call: Promise<unknown>, code: ErrorCode, message: RegExp): Promise<void> {
  const error = await failure(call, code);
  expect(error.message).toMatch(message);
  expect(error.message.length).toBeLessThan(1000);
  expect((await detect()).toJSON()).toEqual(first.toJSON());
}

test("finds what is in the picture", () => {
  expect(new Set(first.objects.map(({ label }) => label))).toEqual(new Set(["pig", "carrot"]));
});

describe("pictures", () => {
  const jpeg = readFileSync(picture);
  const cut = jpeg.subarray(0, jpeg.length / 2);

  test.each<[what: string, bytes: () => Uint8Array | Promise<Uint8Array>, code: ErrorCode, message: RegExp]>([
    [
      "no picture",
      () => Buffer.from("no picture"),
      "image_invalid",
      /image: it is no picture in a format .*convert it/,
    ],
    ["a truncated one", () => cut, "image_invalid", /image: it is damaged or cut off: .*fetch or save it again/],
    [
      "0 bytes",
      () => Buffer.alloc(0),
      "invalid_argument",
      /image: expected the bytes of an encoded picture, got 0 bytes/,
    ],
    [
      "20,000 pixels wide and 1 high",
      () => plainPNG(20_000, 1),
      "image_invalid",
      /20000 x 1 pixels.*cut it into pieces/,
    ],
    [
      "a decompression bomb",
      () => plainPNG(20_000, 10_000),
      "image_invalid",
      /more than 178,956,970 pixels: resize it/,
    ],
  ])("%s is refused", { timeout: 60_000 }, async (_, bytes, code, message) => {
    await expectRefusal(detect(await bytes()), code, message);
  });

  test("a file is refused by its name", async () => {
    const folder = temporaryFolder();
    const [broken, empty, absent] = ["broken.jpg", "empty.jpg", "absent.jpg"].map((name) => join(folder, name));
    writeFileSync(broken as string, cut);
    writeFileSync(empty as string, "");
    await expectRefusal(detect(broken), "image_invalid", /broken\.jpg: it is damaged or cut off/);
    await expectRefusal(detect(empty), "file_error", /empty\.jpg as a picture: it is empty/);
    await expectRefusal(detect(absent), "file_error", /absent\.jpg as a picture: there is no such file/);
  });

  test("1 x 1 and 20,000 x 100 pixels are looked at", async () => {
    expect(await detect(await plainPNG(1, 1))).toMatchObject({ width: 1, height: 1 });
    expect(await detect(await plainPNG(20_000, 100))).toMatchObject({ width: 20_000, height: 100 });
    expect((await detect()).toJSON()).toEqual(first.toJSON());
  });

  test("a bad one among many costs the others nothing", async () => {
    const robot = readFileSync(join(root, "examples", "pictures", "robot.jpg"));
    const answers = await glip.detectAll([picture, cut, robot, join(root, "absent.jpg"), jpeg], ["pig", "carrot"]);
    expect(answers.map((answer) => (isGlipError(answer) ? answer.code : answer.width))).toEqual([
      512,
      "image_invalid",
      512,
      "file_error",
      512,
    ]);
    for (const index of [0, 4]) {
      const { objects } = answers[index] as Detections;
      expect(objects.map(({ label }) => label)).toEqual(first.objects.map(({ label }) => label));
      for (const [at, { score }] of objects.entries()) expect(score).toBeCloseTo(first.objects[at]?.score ?? NaN, 4);
    }
  });
});

describe("texts", () => {
  test.each<[what: string, names: string[], message: RegExp]>([
    ["no category", [], /^categories: expected at least one category/],
    ["a blank one", ["pig", " "], /^categories\[1\]: expected a name/],
    ["duplicates", ["pig", "dog", "pig"], /^categories\[2\]: expected another name than that of categories\[0\]/],
    ["what reads the same", ["pig", "PIG (small)"], /^categories\[1\]: expected a name of its own, .*categories\[0\]/],
    ["Chinese that it cannot spell", ["pig", "狗"], /^categories\[1\]: expected a name that .*English .*'狗'/],
    ["Thai", ["หมา"], /^categories\[0\]: expected a name that .*English vocabulary can spell/],
    ["an emoji", ["🐖"], /^categories\[0\]: expected a name that .*English vocabulary can spell/],
    ["the encoder's own marks", ["[SEP]"], /^categories\[0\]: expected a name without the text encoder's own marks/],
    ["one longer than the window", ["pig ".repeat(300)], /^categories\[0\]: expected a name of at most 254 tokens/],
    ["one of a million letters", ["p".repeat(1e6)], /^categories\[0\]: expected a name that .*pppp…$/],
  ])("%s is refused", async (_, names, message) => {
    await expectRefusal(glip.detect(picture, names), "invalid_argument", message);
  });

  test("names of other scripts that the vocabulary can spell are read", async () => {
    const names = ["犬", "كلب", "собака", "כלב"];
    const { objects } = await glip.detect(picture, names, { threshold: 0, maxObjects: 100 });
    expect(objects.length).toBeGreaterThan(0);
    for (const { label } of objects) expect(names).toContain(label);
  });

  test.each<[what: string, caption: string, message: RegExp]>([
    ["an empty caption", "", /^caption: expected a caption, got ""/],
    ["a blank one", " \n", /^caption: expected a caption/],
    ["one longer than the window", "a dog ".repeat(300), /^caption: expected at most 256 tokens, .*got 602/],
    ["one without a noun", "of and with", /^caption: expected a noun phrase in it, or phrases that say where to look/],
  ])("%s is refused", async (_, caption, message) => {
    await expectRefusal(glip.ground(picture, caption), "invalid_argument", message);
  });

  test("5,000 names are looked for in many passes", { timeout: 300_000 }, async () => {
    const names = Array.from({ length: 5000 }, (_, index) => `thing ${index}`);
    const { objects, passes } = await glip.detect(picture, [...names, "pig"], { maxObjects: 20, threshold: 0 });
    expect(passes).toBeGreaterThan(50);
    expect(objects).toHaveLength(20);
    expect((await detect()).toJSON()).toEqual(first.toJSON());
  });
});

test.each<[options: object, message: RegExp]>([
  [{ threshold: 1.5 }, /^options\.threshold: expected number <=1, got 1\.5/],
  [{ threshold: -0.1 }, /^options\.threshold: expected number >=0/],
  [{ threshold: NaN }, /^options\.threshold: expected number, got NaN/],
  [{ thresholds: { pig: 2 } }, /^options\.thresholds\.pig: expected number <=1/],
  [{ thresholds: { dog: 0.1 } }, /^options\.thresholds: expected names of categories, got "dog"/],
  [{ shortSide: 10_000 }, /^options\.shortSide: expected at most 8192 pixels, got 10000/],
])("refuses %j", async (options, message) => {
  await expectRefusal(detect(picture, options), "invalid_argument", message);
});

test("says that a picture is looked at too small to see anything", async () => {
  await expectRefusal(
    detect(picture, { shortSide: 1 }),
    "image_invalid",
    /ask for larger sides \(shortSide, longSide\)/,
  );
});

describe("weights", () => {
  const load = (weights: string, config = "auto") =>
    glip.call("model.load", { config, weights, text_encoder: null, accelerate: [], settings: {} });

  test("that are missing, truncated or of another architecture leave the model that is in use", async () => {
    const folder = temporaryFolder();
    const [absent, cut, page] = ["absent", "cut", "page"].map((name) => join(folder, `${name}.safetensors`));
    const bytes = readFileSync(nano);
    writeFileSync(cut as string, bytes.subarray(0, bytes.length / 2));
    writeFileSync(page as string, "<!doctype html><html>");
    await expectRefusal(load(absent as string), "weights_missing", /there are no weights at .*absent\.safetensors/);
    await expectRefusal(load(cut as string), "weights_mismatch", /cut\.safetensors .*cannot be read.*fetch it again/);
    await expectRefusal(load(page as string), "weights_mismatch", /page\.safetensors .*a web page .*fetch it again/);
    await expectRefusal(load(nano, "glip-t"), "weights_mismatch", /expected the \d+ tensors .*\d+ missing/);
  });

  test("that are missing are refused before a worker is started", async () => {
    const call = launch({ engine: "native", weights: "absent.safetensors" });
    await expectRefusal(
      call,
      "weights_missing",
      /there is no file .*absent\.safetensors, and it is no name of the zoo/,
    );
  });
});

// RLIMIT_AS: allocations fail as they do where memory has ended. Other systems do not enforce it.
test.skipIf(process.platform !== "linux")("lives on when memory ends", { timeout: 60_000 }, async () => {
  using python = await glip.python();
  const resource = await python.import("resource");
  const limit = (bytes: string) =>
    python.evaluate(`resource.setrlimit(resource.RLIMIT_AS, (${bytes}, resource.RLIM_INFINITY))`, { resource });
  await limit("int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize() + 64 * 2**20");
  try {
    // The picture itself needs more, or a single one of the network's tensors.
    for (const shortSide of [8192, 4096]) {
      const remedy = /the worker lives on: ask for a smaller picture \(shortSide, longSide\)/;
      await expectRefusal(detect(picture, { shortSide, longSide: shortSide }), "out_of_memory", remedy);
    }
    // One that is too large among others.
    const answers = await Promise.allSettled([
      detect(),
      detect(picture, { shortSide: 8192, longSide: 8192 }),
      detect(),
    ]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  } finally {
    await limit("resource.RLIM_INFINITY");
  }
});
