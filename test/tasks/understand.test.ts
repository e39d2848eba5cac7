import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { isGlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { CallOptions } from "../../src/bridge/request.ts";
import { answer } from "../../src/tasks/answer.ts";
import { caption, captionStream } from "../../src/tasks/caption.ts";
import { failure } from "../support/faults.ts";

// A model of random weights that answers and tells: nothing it says is true, but all of it is there.
const pixels = { data: new Uint8Array(64 * 48 * 3).fill(120), width: 64, height: 48, channels: 3 as const };
const settings = {
  "postprocess.threshold": 0,
  understanding: { answers: ["yes", "no", "two"] },
};
let glip: Glip;

beforeAll(async () => {
  glip = await launch({ engine: "native", config: "glip-nano", weights: "random", threads: 1, settings });
}, 120_000);
afterAll(() => glip.close());

describe("answer", () => {
  it("ranks the candidates, and says what the question speaks of", async () => {
    const found = await glip.answer(pixels, "is there a red cat?", { threshold: 0, maxObjects: 3, top: 2 });
    expect(found.answers).toHaveLength(2);
    expect(["yes", "no", "two"]).toContain(found.answer);
    expect(found.probability).toBe(found.answers[0]?.probability);
    expect(found.phrases.map(({ text, span }) => [text, span])).toEqual([["a red cat", [9, 18]]]);
    expect(found.objects).toHaveLength(3);
    expect(found.objects.every(({ label }) => label === "a red cat")).toBe(true);
    expect(JSON.parse(JSON.stringify(found))).toMatchObject({ question: "is there a red cat?", width: 64, height: 48 });
    expect(String(found)).toContain('Answer 64x48 to "is there a red cat?": ');
    expect(await found.draw({ picture: false })).toContain("<title>a red cat ");
  });

  it("takes candidates of the caller's", async () => {
    const { answers } = await glip.answer(pixels, "what is it?", { answers: ["a cat", "собака"], top: 5 });
    expect(answers.map(({ answer: text }) => text).sort()).toEqual(["a cat", "собака"]);
    expect(answers.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 4);
  });

  const sentence = Array.from({ length: 5000 }, () => "word").join(" ");
  it.each([
    ["", {}, "question"],
    ["what?", { answers: [] }, "options.answers"],
    ["what?", { answers: ["a", " "] }, "options.answers[1]"],
    ["what?", { answers: ["a", "a"] }, "options.answers[1]"],
    ["what?", { top: 0 }, "options.top"],
    [sentence, {}, "question"],
  ])("refuses by its name, case %#", async (question, options, path) => {
    const error = await failure(glip.answer(pixels, question, options), "invalid_argument");
    expect(error.details.path).toBe(path);
  });
});

describe("caption", () => {
  it("tells, and says what the caption speaks of", async () => {
    const found = await glip.caption(pixels, { maxTokens: 6, threshold: 0, maxObjects: 2 });
    expect(found.caption).not.toBe("");
    expect(found.logProbability).toBeLessThan(0);
    for (const { text, span } of found.phrases) expect(found.caption.slice(...span)).toBe(text);
    expect(found.toJSON()).toMatchObject({ caption: found.caption, ended: found.ended });
  });

  it.each(["greedy", "beam", "sample"] as const)("comes word by word as it comes whole: %s", async (mode) => {
    const options = { mode, maxTokens: 5, seed: 3 };
    const stream = glip.captionStream(pixels, options);
    let text = "";
    for await (const more of stream) text += more;
    const result = await stream.result;
    expect(text).toBe(result.caption);
    expect((await glip.caption(pixels, options)).caption).toBe(text);
  });

  it("gives the result to who does not iterate", async () => {
    expect((await glip.captionStream(pixels, { maxTokens: 3 }).result).caption).not.toBe("");
  });

  it.each([
    [{ maxTokens: 0 }, "options.maxTokens"],
    [{ maxTokens: 1000 }, "options.maxTokens"],
    [{ beams: 65 }, "options.beams"],
    [{ topP: 0 }, "options.topP"],
    [{ temperature: 0 }, "options.temperature"],
  ])("refuses %j by its name", async (options, path) => {
    const error = await failure(glip.caption(pixels, options), "invalid_argument");
    expect(error.details.path).toBe(path);
  });
});

describe("a worker without these methods", () => {
  const caller = {
    local: true,
    call: (method: string, _: unknown, options?: CallOptions) => glip.call(`none.${method}`, {}, options) as never,
    stream: (method: string) => glip.stream(`none.${method}`) as never,
  };

  it("says what to do", async () => {
    const calls = [
      answer(caller, pixels, "what is it?", { answers: ["a"] }),
      caption(caller, pixels),
      captionStream(caller, pixels).result,
    ];
    for (const call of calls) {
      const error = await call.then(
        () => undefined,
        (reason: unknown) => reason,
      );
      expect(isGlipError(error, "unsupported") && error.message).toContain('engine: "native"');
    }
  });
});
