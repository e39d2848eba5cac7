import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isGlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import { describeOfficial } from "../support/checkout.ts";
import { smallModel } from "../support/small-model.ts";

describeOfficial("detect and ground", () => {
  let folder: string;
  let glip: Glip;
  let picture: string;
  let options: Awaited<ReturnType<typeof smallModel>>;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "glip-detect-"));
    options = await smallModel(folder);
    picture = join(folder, "picture.png");
    const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
    await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray", noise } })
      .png()
      .toFile(picture);
    glip = await launch(options);
  }, 300_000);

  afterAll(async () => {
    await glip.close();
    await rm(folder, { recursive: true });
  });

  const detect = (image: Parameters<Glip["detect"]>[0]) =>
    glip.detect(image, ["dog", "red cup"], { threshold: 0, maxObjects: 20 });

  test("gives the same boxes for a path, a URL, bytes, a Blob and pixels", { timeout: 60_000 }, async () => {
    const bytes = await readFile(picture);
    const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
    const pixels = { data, width: info.width, height: info.height };
    const first = await detect(picture);
    expect(first.objects).toHaveLength(20);
    expect([first.width, first.height]).toEqual([160, 120]);
    for (const image of [pathToFileURL(picture), bytes, new Blob([bytes]), pixels]) {
      expect((await detect(image)).toJSON()).toEqual(first.toJSON());
    }
  });

  test("honours the orientation that EXIF tells", { timeout: 60_000 }, async () => {
    const turned = await sharp(picture).rotate(90).jpeg({ quality: 100 }).toBuffer();
    const tagged = await sharp(turned).rotate(-90).jpeg({ quality: 100 }).withMetadata({ orientation: 6 }).toBuffer();
    const seen = await detect(tagged);
    expect([seen.width, seen.height]).toEqual([120, 160]);
  });

  test("grounds the phrases that are named, in UTF-16 spans, and draws them", { timeout: 60_000 }, async () => {
    const caption = "🦊 a dog holds the red cup";
    const seen = await glip.ground(picture, caption, { phrases: ["a dog", "red cup"], threshold: 0, maxObjects: 10 });
    expect(seen.phrases.map(({ span }) => caption.slice(...span))).toEqual(["a dog", "red cup"]);
    expect(seen.objects).toHaveLength(10);
    const file = join(folder, "drawn.png");
    await seen.save(file);
    expect((await sharp(file).metadata()).width).toBeGreaterThanOrEqual(160);
  });

  test("refuses bad input by a typed error, and answers the next call", { timeout: 180_000 }, async () => {
    const bytes = await readFile(picture);
    const [text, cut, wide] = [join(folder, "text.png"), join(folder, "cut.png"), join(folder, "wide.png")];
    await writeFile(text, "no picture");
    await writeFile(cut, bytes.subarray(0, bytes.length / 2));
    await sharp({ create: { width: 20_000, height: 1, channels: 3, background: "red" } })
      .png()
      .toFile(wide);
    const ground = (caption: string) => glip.ground(picture, caption);
    const cases: [code: string, call: () => Promise<unknown>][] = [
      ["image_invalid", () => detect(text)],
      ["image_invalid", () => detect(cut)],
      ["image_invalid", () => detect(wide)],
      ["invalid_argument", () => detect(new Uint8Array())],
      ["file_error", () => detect(join(folder, "absent.png"))],
      ["invalid_argument", () => glip.detect(picture, [])],
      ["invalid_argument", () => glip.detect(picture, ["dog", "dog"])],
      ["invalid_argument", () => glip.detect(picture, ["犬"])],
      ["invalid_argument", () => glip.detect(picture, ["dog"], { threshold: 1.5 })],
      ["invalid_argument", () => ground("")],
      ["invalid_argument", () => ground("a dog ".repeat(300))],
    ];
    for (const [code, call] of cases) {
      const error = await call().then(
        () => "it was answered",
        (reason: unknown) => reason,
      );
      expect(isGlipError(error) ? error.code : error, String(call)).toBe(code);
    }
    const dot = await sharp({ create: { width: 1, height: 1, channels: 3, background: "red" } })
      .png()
      .toBuffer();
    expect((await detect(dot)).width).toBe(1);
    expect((await detect(picture)).objects).toHaveLength(20);
  });

  test("has thresholds by category, passes, and an answer for each of many", { timeout: 60_000 }, async () => {
    const every = await detect(picture);
    const limit = every.objects.filter(({ label }) => label === "dog").at(1)?.score ?? 0;
    const options = { threshold: 0, thresholds: { dog: limit } };
    const some = await glip.detect(picture, ["dog", "red cup"], options);
    expect(some.objects.filter(({ label }) => label === "dog")).toEqual([every.objects.find((o) => o.label === "dog")]);
    expect(some.objects.length).toBeGreaterThan(10);
    const many = Array.from({ length: 20 }, (_, index) => "dog cat cup ".repeat(index + 1).trim());
    expect((await glip.detect(picture, many, { maxObjects: 1 })).passes).toBeGreaterThan(1);
    expect(some.passes).toBe(1);
    const answers = await glip.detectAll([picture, join(folder, "absent.png"), picture], [["dog"], ["dog"], ["cup"]]);
    expect(answers.map((answer) => (isGlipError(answer) ? answer.code : answer.categories))).toEqual([
      ["dog"],
      "file_error",
      ["cup"],
    ]);
  });

  test("embeds regions and texts: the cosines order the scores of one place", { timeout: 60_000 }, async () => {
    const options = { threshold: 0, maxObjects: 20 };
    const { found, regions, texts } = await glip.embed(picture, ["dog", "cup"], options);
    expect(found.toJSON()).toEqual((await glip.detect(picture, ["dog", "cup"], options)).toJSON());
    expect([regions.shape, texts.shape]).toEqual([
      [20, 64],
      [2, 64],
    ]);
    for (const row of [regions, texts].flatMap((tensor) => tensor.toArray() as number[][]))
      expect(Math.hypot(...row)).toBeCloseTo(1);
    const raw = await glip.embed(picture, ["dog", "cup"], { ...options, normalize: false });
    expect(Math.hypot(...raw.regions.slice(0, 1).data)).not.toBeCloseTo(1);
    const grounded = await glip.embed(picture, "a cup and a dog", { ...options, phrases: ["dog", "cup"] });
    expect(grounded.found.phrases.map(({ text }) => text)).toEqual(["cup", "dog"]);
    expect(grounded.regions.shape).toEqual([20, 64]);
  });

  test("streams frames", { timeout: 60_000 }, async () => {
    const sizes: number[] = [];
    const heard: string[] = [];
    const frames = [picture, await sharp(picture).resize(80, 60).png().toBuffer(), join(folder, "absent.png"), picture];
    const onError = ({ code }: { code: string }, index: number): void => void heard.push(`${index} ${code}`);
    for await (const seen of glip.detectStream(frames, ["dog"], { onError })) sizes.push(seen.width);
    expect(sizes).toEqual([160, 80, 160]);
    expect(heard).toEqual(["2 file_error"]);
  });

  test("refuses weights and configurations that do not fit", { timeout: 300_000 }, async () => {
    const garbage = join(folder, "weights.pth");
    await writeFile(garbage, Buffer.alloc(4096, 1));
    await truncate(garbage, 4000);
    const refused = (changes: object) =>
      launch({ ...options, ...changes }).then(
        (handle) => handle.close(),
        (error: unknown) => (isGlipError(error) ? error.code : error),
      );
    expect(await refused({ weights: garbage })).toBe("weights_mismatch");
    expect(await refused({ weights: join(folder, "absent.pth") })).toBe("weights_missing");
    expect(await refused({ settings: { "MODEL.NO_SUCH_KEY": 1 } })).toBe("config_invalid");
  });
});
