import { describe, expect, it } from "vitest";
import type { ImageInput } from "../../src/images/source.ts";
import type { Caller } from "../../src/tasks/caller.ts";
import { detect } from "../../src/tasks/detect.ts";
import { ground, type GroundOptions } from "../../src/tasks/ground.ts";

const caller: Caller = {
  local: true,
  call: () => Promise.reject(new Error("nothing may be sent")),
};
const image = Uint8Array.of(1);
const never = AbortSignal.timeout(60_000);

/** What a caller without types may pass. */
type Any = Parameters<typeof detect>;
const fails = async (call: Promise<unknown>, message: string): Promise<void> => {
  const path = message.slice(0, message.indexOf(":"));
  await expect(call).rejects.toMatchObject({ code: "invalid_argument", message, details: { path } });
};

describe("categories", () => {
  it.each([
    [[], "categories: expected at least one category, got an array of 0"],
    ["dog", 'categories: expected array, got "dog"'],
    [undefined, "categories: expected array, got undefined"],
    [["dog", "cat", 3], "categories[2]: expected string, got 3"],
    [["dog", null], "categories[1]: expected string, got null"],
    [["dog", ""], 'categories[1]: expected a name, got ""'],
    [["dog", " \n"], 'categories[1]: expected a name, got " \\n"'],
    [["dog", "cat", "dog"], 'categories[2]: expected another name than that of categories[0], got "dog"'],
    [["dog \ud83d"], 'categories[0]: expected text without lone surrogates, got "dog \\ud83d"'],
  ])("%j", async (categories, message) => {
    await fails(detect(caller, image, categories as Any[2]), message);
  });
});

describe("options", () => {
  it.each([
    [{ threshold: 1.5 }, "options.threshold: expected number <=1, got 1.5"],
    [{ threshold: -0.1 }, "options.threshold: expected number >=0, got -0.1"],
    [{ threshold: Number.NaN }, "options.threshold: expected number, got NaN"],
    [{ threshold: "0.5" }, 'options.threshold: expected number, got "0.5"'],
    [{ maxObjects: 0 }, "options.maxObjects: expected number >=1, got 0"],
    [{ maxObjects: 2.5 }, "options.maxObjects: expected int, got 2.5"],
    [{ shortSide: -800 }, "options.shortSide: expected number >=1, got -800"],
    [{ longSide: 2 ** 32 }, "options.longSide: expected number <=4294967295, got 4294967296"],
    [{ timeoutMs: 0 }, "options.timeoutMs: expected number >0, got 0"],
    [{ signal: {} }, "options.signal: expected AbortSignal, got an object"],
    [{ treshold: 0.4 }, "options.treshold: expected nothing of that name, got 0.4"],
  ])("%j", async (options, message) => {
    await fails(detect(caller, image, ["dog"], options as Any[3]), message);
    await fails(ground(caller, image, "a dog", options as Any[3]), message);
  });
});

describe("caption and phrases", () => {
  it.each([
    ["", {}, 'caption: expected a caption, got ""'],
    ["  ", {}, 'caption: expected a caption, got "  "'],
    [7, {}, "caption: expected string, got 7"],
    ["a dog", { phrases: [] }, "options.phrases: expected at least one phrase, got an array of 0"],
    ["a dog", { phrases: ["a dog", ""] }, 'options.phrases[1]: expected string with >=1 characters, got ""'],
    ["a dog", { phrases: [[0]] }, "options.phrases[0]: expected a text or [start, end], got an array of 1"],
    ["a dog", { phrases: [[0, 1.5]] }, "options.phrases[0]: expected a text or [start, end], got an array of 2"],
    ["a dog", { phrases: ["a cat"] }, 'options.phrases[0]: expected a text that is in the caption, got "a cat"'],
  ])("%j %j", async (caption, options, message) => {
    await fails(ground(caller, image, caption as string, options as GroundOptions), message);
  });
});

it("a picture that is none by its type", async () => {
  await fails(
    detect(caller, 7 as unknown as ImageInput, ["dog"], { signal: never }),
    "image: expected a path, a URL, encoded bytes, a Blob, { data, width, height } or a uint8 tensor [height, width, channels], got 7",
  );
});
