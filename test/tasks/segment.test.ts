import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { Mask } from "../../src/images/mask.ts";
import { launch } from "../../src/launch.ts";
import type { LaunchOptions } from "../../src/options.ts";
import type { Params } from "../../src/protocol/methods.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import type { Caller } from "../../src/tasks/caller.ts";
import { segment, segmentAll } from "../../src/tasks/segment.ts";
import { failure } from "../support/faults.ts";

const image = Uint8Array.of(1);

/** Answers as a worker that found two objects in a picture of 4 x 2 pixels, with these masks. */
function player(masks: string[] | null) {
  const seen: Params<"vision.detect">[] = [];
  const found = {
    width: 4,
    height: 2,
    boxes: Tensor.from("float32", [
      [0, 0, 2, 2],
      [2, 0, 4, 2],
    ]),
    scores: Tensor.from("float32", [0.75, 0.5]),
    passes: 1,
    features: null,
    masks,
  };
  const phrases = [
    { start: 0, end: 5 },
    { start: 10, end: 15 },
  ];
  const labels = Tensor.from("int32", [1, 0]);
  const call = (method: string, params: Params<"vision.detect">): Promise<unknown> => {
    seen.push(params);
    const own = method === "vision.detect" ? { categories: labels } : { phrases, phrase_indices: labels };
    return Promise.resolve({ ...found, ...own });
  };
  // The tests ask for these two methods alone.
  const caller: Caller = { local: true, call: call as Caller["call"] };
  return { caller, seen };
}

describe("segment", () => {
  it("gives each object of a category its mask", async () => {
    const { caller, seen } = player(["044", "44"]);
    const found = await segment(caller, image, ["dog", "cat"], { threshold: 0.25 });
    expect(seen).toMatchObject([{ masks: true, features: false, threshold: 0.25, categories: ["dog", "cat"] }]);
    expect([...found].map(({ label, mask }) => [label, [...mask.pixels()].join("")])).toEqual([
      ["cat", "11001100"],
      ["dog", "00110011"],
    ]);
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({
      objects: [{ label: "cat", mask: { size: [2, 4], counts: "044" } }, { label: "dog" }],
    });
    expect(found.toCOCO({ imageId: 7 })).toEqual([
      { image_id: 7, category_id: 2, bbox: [0, 0, 2, 2], score: 0.75, segmentation: { size: [2, 4], counts: "044" } },
      { image_id: 7, category_id: 1, bbox: [2, 0, 2, 2], score: 0.5, segmentation: { size: [2, 4], counts: "44" } },
    ]);
    expect(await found.draw({ picture: false })).toContain("evenodd");
  });

  it("does so for the phrases of a caption", async () => {
    const { caller, seen } = player(["044", "44"]);
    const found = await segment(caller, image, "a dog and a cat");
    expect(seen).toMatchObject([{ masks: true, caption: "a dog and a cat", phrases: null }]);
    expect("phrases" in found && found.phrases.map(({ objects }) => objects[0]?.mask.counts)).toEqual(["44", "044"]);
  });

  it.each([
    [null, "there are no masks of 2 objects"],
    [["044"], "there are 1 masks of 2 objects"],
    [["044", "9"], "object 1: mask: expected COCO's compressed run lengths of 4 x 2 pixels, got those of 9 pixels"],
  ])("refuses an answer with %j", async (masks, reason) => {
    const { message } = await failure(segment(player(masks).caller, image, ["dog", "cat"]), "invalid_message");
    expect(message).toContain(reason);
  });

  it("refuses what is no question before anything is sent", async () => {
    const { caller, seen } = player(null);
    expect((await failure(segment(caller, image, []), "invalid_argument")).details.path).toBe("categories");
    expect((await failure(segment(caller, image, " "), "invalid_argument")).details.path).toBe("caption");
    expect((await failure(segmentAll(caller, [image], []), "invalid_argument")).details.path).toBe("categories");
    expect(seen).toEqual([]);
  });

  it("answers for many pictures", async () => {
    const { caller } = player(["044", "44"]);
    const answers = await segmentAll(caller, [image, image], "a dog and a cat", { concurrency: 1 });
    expect(answers.map((answer) => !isGlipError(answer) && [...answer].every(({ mask }) => mask.area === 4))).toEqual([
      true,
      true,
    ]);
  });
});

const nano = { engine: "native", config: "glip-nano", weights: "random", threads: 1 } as const satisfies LaunchOptions;

describe("a model with a mask head", { timeout: 120_000 }, () => {
  let glip: Glip;
  let picture: Uint8Array;

  beforeAll(async () => {
    const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
    picture = await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray", noise } })
      .png()
      .toBuffer();
    // Random weights are sure of nothing.
    glip = await launch({ ...nano, settings: { masks: {}, "postprocess.threshold": 0 } });
  }, 120_000);

  afterAll(() => glip.close());

  it("finds pixels within the boxes", async () => {
    const { objects } = await glip.segment(picture, ["dog", "red cup"], { threshold: 0, maxObjects: 5 });
    expect(objects).toHaveLength(5);
    for (const { mask, box } of objects) {
      expect(mask.size).toEqual([120, 160]);
      for (const polygon of mask.polygons())
        for (const [index, value] of polygon.entries()) {
          expect(value).toBeGreaterThanOrEqual(Math.floor(box[index % 2] as number));
          expect(value).toBeLessThanOrEqual((box[2 + (index % 2)] as number) + 2);
        }
    }
    const { objects: plain } = await glip.detect(picture, ["dog"], { threshold: 0, maxObjects: 1 });
    expect(plain[0]).not.toHaveProperty("mask");
  });

  it("reads back what it wrote", async () => {
    const found = await glip.segment(picture, "a dog beside a red cup", { threshold: 0, maxObjects: 3 });
    const [first] = found.objects;
    const again = new Mask(JSON.parse(JSON.stringify(first?.mask)) as Mask);
    expect(again.pixels()).toEqual(first?.mask.pixels());
    expect(await glip.segmentAll([picture, Uint8Array.of(1)], ["dog"], { threshold: 0 })).toMatchObject([
      { width: 160 },
      { code: "image_invalid" },
    ]);
  });
});

it("a model without one says what to do", { timeout: 120_000 }, async () => {
  await using glip = await launch(nano);
  const error = await failure(glip.segment(image, ["dog"]), "unsupported");
  expect(error.message).toContain("the loaded model finds boxes alone: load one with a mask head");
  expect(error.details.feature).toBe("masks");
});
