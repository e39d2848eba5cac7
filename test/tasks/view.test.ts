import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import { openView, type ViewCaller } from "../../src/tasks/view.ts";
import { failure } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";

// A model of random weights with all heads: nothing it says is true, but all of it is there.
const settings = { "postprocess.threshold": 0, masks: {}, understanding: { answers: ["yes", "no", "two"] } };
const model = { engine: "native", config: "glip-nano", weights: "random", threads: 1, settings } as const;
const question = "is there a red cat?";
const few = { threshold: 0, maxObjects: 4 };

let glip: Glip;
let picture: Uint8Array;

beforeAll(async () => {
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  picture = await sharp({ create: { width: 96, height: 80, channels: 3, background: "gray", noise } })
    .png()
    .toBuffer();
  glip = await launch({ ...model, restart: { max: 1 } });
}, 120_000);
afterAll(() => glip.close());

describe("a view", { timeout: 120_000 }, () => {
  const sides = { shortSide: 128 };

  it("answers as the handle does", async () => {
    await using view = await glip.look(picture, sides);
    expect([view.width, view.height]).toEqual([96, 80]);
    // More words than one text holds: several passes.
    const many = Array.from({ length: 100 }, (_, index) => `thing ${index}`);
    const detected = await view.detect(many, few);
    expect(detected.passes).toBeGreaterThan(1);
    expect(detected.toJSON()).toEqual((await glip.detect(picture, many, { ...few, ...sides })).toJSON());
    const caption = "a red dog beside a cup";
    expect((await view.ground(caption, few)).toJSON()).toEqual(
      (await glip.ground(picture, caption, { ...few, ...sides })).toJSON(),
    );
    expect((await view.segment(["dog"], few)).toJSON()).toEqual(
      (await glip.segment(picture, ["dog"], { ...few, ...sides })).toJSON(),
    );
    expect((await view.embed(caption, few)).regions.data).toEqual(
      (await glip.embed(picture, caption, { ...few, ...sides })).regions.data,
    );
    expect((await view.answer(question, few)).toJSON()).toEqual(
      (await glip.answer(picture, question, { ...few, ...sides })).toJSON(),
    );
    const told = await glip.caption(picture, { ...few, ...sides, maxTokens: 4 });
    expect((await view.caption({ ...few, maxTokens: 4 })).toJSON()).toEqual(told.toJSON());
    let text = "";
    for await (const more of view.captionStream({ maxTokens: 4 })) text += more;
    expect(text).toBe(told.caption);
    expect(await detected.draw()).toContain("<image ");
  });

  it("answers what is asked at once as one by one", async () => {
    await using view = await glip.look(picture);
    const questions = ["is there a cat?", "how many red dogs are there left of the cup?", "why?", question];
    const alone = [];
    for (const one of questions) alone.push(await view.answer(one, few));
    const together = await Promise.all(questions.map((one) => view.answer(one, few)));
    for (const [index, { answers, phrases }] of together.entries()) {
      expect(phrases.map(({ text }) => text)).toEqual(alone[index]?.phrases.map(({ text }) => text));
      for (const { answer, probability } of answers)
        expect(probability).toBeCloseTo(
          alone[index]?.answers.find((one) => one.answer === answer)?.probability ?? -1,
          4,
        );
    }
  });

  it("looks again where the worker holds it no more", async () => {
    await using view = await glip.look(picture);
    const before = (await view.detect(["dog"], few)).toJSON();
    const { config, weights } = glip.model ?? { config: "", weights: null };
    const load = { config, weights, text_encoder: null, accelerate: [], settings };
    await glip.call("model.load", load);
    expect((await view.detect(["dog"], few)).toJSON()).toEqual(before);
    await glip.call("model.load", load);
    expect((await view.captionStream({ maxTokens: 2 }).result).caption).not.toBe("");
    const ready = new Promise<void>((resolve) => {
      const stop = glip.on("ready", () => (stop(), resolve()));
    });
    process.kill(glip.info.pid, "SIGKILL");
    await ready;
    expect((await view.detect(["dog"], few)).toJSON()).toEqual(before);
  });

  it("needs its picture no more", async () => {
    const file = join(temporaryFolder(), "picture.png");
    writeFileSync(file, picture);
    await using view = await glip.look(file);
    rmSync(file);
    expect((await view.detect(["dog"], few)).objects).toHaveLength(4);
  });

  it("is closed once and for all, after what was asked before", async () => {
    const view = await glip.look(picture);
    const asked = view.detect(["dog"], few);
    await view.close();
    await view.close();
    expect((await asked).objects).toHaveLength(4);
    const { details } = await failure(view.answer(question), "invalid_argument");
    expect(details).toMatchObject({ path: "view", received: "one that was closed" });
    expect(() => view.captionStream()).toThrow("view: expected an open one");
  });

  it("refuses by name what look() is to be told", async () => {
    await using view = await glip.look(picture);
    const options: object = { shortSide: 64 };
    expect((await failure(view.detect(["dog"], options), "invalid_argument")).details.path).toBe("options.shortSide");
    expect((await failure(glip.look(picture, { longSide: 0 }), "invalid_argument")).details.path).toBe(
      "options.longSide",
    );
    expect((await failure(glip.look(picture, { shortSide: 9000 }), "invalid_argument")).details.path).toBe(
      "options.shortSide",
    );
    expect((await failure(view.ground(" "), "invalid_argument")).details.path).toBe("caption");
  });

  it("is none of what is no picture", async () => {
    await failure(glip.look(Uint8Array.of(1, 2, 3)), "image_invalid");
    await failure(glip.look("/no/such/picture.png"), "file_error");
    await failure(glip.look(picture, { signal: AbortSignal.abort() }), "cancelled");
  });
});

describe("what is sent", () => {
  /** A worker that holds nothing for longer than `remembers` calls. */
  function player(remembers: number) {
    const sent: [string, unknown][] = [];
    let left = 0;
    const call = (method: string, { image, view }: { image?: Record<string, unknown>; view?: string }) => {
      sent.push([method, image ?? view]);
      if (image === undefined) return Promise.resolve({});
      if (image["encoded"] !== null) left = remembers;
      else if (left-- <= 0) {
        const details = { path: "image.view", expected: "a view that is held", received: "another" };
        return Promise.reject(new GlipError("invalid_argument", "image.view: …", details));
      }
      return Promise.resolve({ width: 4, height: 2, phrases: [], answers: [], ...empty });
    };
    const caller = { local: true, call, stream: () => undefined };
    // The tests ask for methods alone that have such results.
    return { caller: caller as unknown as ViewCaller, sent };
  }
  const none = { shape: [0], size: 0, data: [] };
  const empty = { boxes: { ...none, shape: [0, 4] }, scores: none, phrase_indices: none };

  it("is the name, and the picture when it is not held", async () => {
    const { caller, sent } = player(1);
    const view = await openView(caller, picture);
    await view.answer("why?");
    await view.answer("why?");
    const pending = view.answer("why?");
    await view.close();
    await pending;
    await setImmediate();
    const brought = { path: null, pixels: null, encoded: { shape: [picture.length] } };
    const [[, { view: name }]] = sent as [[string, { view: string }]];
    const asked = { path: null, pixels: null, encoded: null, view: name };
    expect(name).toMatch(/^[0-9a-f-]{36}$/);
    expect(sent).toMatchObject([
      ["vision.look", { ...brought, view: name }],
      ["vision.answer", asked],
      ["vision.answer", asked],
      ["vision.answer", { ...brought, view: name }],
      ["vision.answer", asked],
      ["vision.forget", name],
    ]);
  });

  it("is refused by an engine that holds nothing", async () => {
    const caller = {
      local: true,
      call: () => Promise.reject(new GlipError("unknown_method", "…", { method: "", known: [] })),
    };
    const { message } = await failure(openView(caller as unknown as ViewCaller, picture), "unsupported");
    expect(message).toContain('look: the engine that is loaded holds no pictures: launch it with engine: "native"');
  });
});
