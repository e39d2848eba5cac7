import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isGlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { LaunchOptions } from "../../src/options.ts";

const nano = { engine: "native", config: "glip-nano", weights: "random" } as const satisfies LaunchOptions;

describe("the native engine", () => {
  let glip: Glip;
  let picture: Uint8Array;

  beforeAll(async () => {
    const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
    picture = await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray", noise } })
      .png()
      .toBuffer();
    // Random weights are sure of nothing.
    glip = await launch({ ...nano, threads: 1, settings: { "postprocess.threshold": 0 } });
  }, 120_000);

  afterAll(() => glip.close());

  const detect = () => glip.detect(picture, ["dog", "red cup"], { threshold: 0, maxObjects: 20 });

  test("finds boxes within the picture, the same ones each time", async () => {
    const { objects } = await detect();
    expect(objects).toHaveLength(20);
    for (const { box, label } of objects) {
      expect(["dog", "red cup"]).toContain(label);
      expect(Math.min(...box)).toBeGreaterThanOrEqual(0);
      expect(Math.max(box[0], box[2])).toBeLessThanOrEqual(160);
    }
    expect((await detect()).objects).toEqual(objects);
  });

  test("answers calls that share a forward pass as it answers each alone", async () => {
    const alone = await detect();
    for (const one of await Promise.all([detect(), detect(), detect()]))
      for (const [index, { score, box }] of one.objects.entries()) {
        expect(score).toBeCloseTo(alone.objects[index]?.score ?? NaN, 4);
        for (const [side, value] of box.entries()) expect(value).toBeCloseTo(alone.objects[index]?.box[side] ?? NaN, 1);
      }
  });

  test("grounds the phrases of a sentence", async () => {
    const { phrases } = await glip.ground(picture, "a dog beside a red cup", { phrases: [[0, 5]], threshold: 0 });
    expect(phrases.map(({ text }) => text)).toEqual(["a dog"]);
  });

  test("answers the others of a batch with a picture that cannot be read", async () => {
    const broken = picture.slice(0, 100);
    const [good, bad] = await Promise.allSettled([detect(), glip.detect(broken, ["dog"])]);
    expect(good.status).toBe("fulfilled");
    expect(bad.status === "rejected" && isGlipError(bad.reason)).toBe(true);
    expect((await detect()).objects).toHaveLength(20);
  });
});

test.each([
  ["accelerate", { ...nano, accelerate: true }],
  ["textEncoder", { ...nano, textEncoder: "." }],
  ["official", { ...nano, official: "." }],
] as const)("refuses %s, which is the official engine's", async (key, options) => {
  await expect(launch(options)).rejects.toMatchObject({
    code: "invalid_argument",
    details: { path: `options.${key}` },
  });
});

test("names the configurations when it has none of that name", { timeout: 60_000 }, async () => {
  await expect(launch({ ...nano, config: "glip-xl" })).rejects.toMatchObject({
    code: "config_invalid",
    message: expect.stringContaining("glip-nano") as string,
  });
});
