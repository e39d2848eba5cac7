import { describe, expect, it } from "vitest";
import { GlipError } from "../../src/errors.ts";
import { detectAll } from "../../src/tasks/detect-all.ts";
import { groundAll } from "../../src/tasks/ground-all.ts";
import { damaged, fakeCaller, numbered } from "../support/fake-caller.ts";

const pictures = [1, 2, 3, 4, 5, 6].map(numbered);
const scores = (answers: Awaited<ReturnType<typeof detectAll>>) =>
  answers.map((seen) => (seen instanceof GlipError ? seen.code : (seen.objects[0]?.score ?? 0) * 256));

describe("many pictures", () => {
  it("are answered in their order, whichever is done first", async () => {
    const caller = fakeCaller((first) => 30 - 5 * first);
    expect(scores(await detectAll(caller, pictures, ["dog"]))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(caller.running.most).toBe(6);
  });

  it("are not all under way at once", async () => {
    const caller = fakeCaller(() => 5);
    await detectAll(caller, pictures, ["dog"], { concurrency: 2 });
    expect(caller.running.most).toBe(2);
    expect(caller.asked).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("keep their answers when one is bad", async () => {
    const caller = fakeCaller((first) => (first === 3 ? damaged() : 1));
    const answers = await detectAll(caller, [...pictures, "/nowhere/a.png"], ["dog"]);
    expect(scores(answers)).toEqual([1, 2, "image_invalid", 4, 5, 6, "file_error"]);
    expect(await detectAll(caller, [], ["dog"])).toEqual([]);
  });

  it("may have categories of their own, and thresholds by name", async () => {
    const caller = fakeCaller();
    const seen = await detectAll(caller, pictures.slice(0, 2), [["dog"], ["cat", "dog"]], {
      threshold: 0.4,
      thresholds: { cat: 0.2 },
    });
    expect(seen.map((answer) => (answer instanceof GlipError ? [] : answer.categories))).toEqual([
      ["dog"],
      ["cat", "dog"],
    ]);
    expect(caller.params.map(({ categories, thresholds }) => [categories, thresholds])).toEqual([
      [["dog"], [0.4]],
      [
        ["cat", "dog"],
        [0.2, 0.4],
      ],
    ]);
  });

  it("all stop when the caller gives up", async () => {
    const reason = new Error("enough");
    const controller = new AbortController();
    const caller = fakeCaller((first) => {
      if (first === 2) controller.abort(reason);
      return 1000;
    });
    const options = { concurrency: 2, signal: controller.signal };
    await expect(detectAll(caller, pictures, ["dog"], options)).rejects.toMatchObject({ code: "cancelled" });
    expect(caller.asked).toEqual([1, 2]);
    expect(caller.running.now).toBe(0);
  });
});

describe("what is wrong for all is refused before anything is sent", () => {
  type Arguments = Parameters<typeof detectAll>;
  it.each<[unknown, unknown, unknown, string]>([
    ["a.png", ["dog"], {}, 'images: expected array, got "a.png"'],
    [pictures, "dog", {}, 'categories: expected array, got "dog"'],
    [pictures, [["dog"]], {}, "categories: expected one for each of 6 pictures, got 1"],
    [pictures.slice(0, 2), [["dog"], ["cat", ""]], {}, 'categories[1][1]: expected a name, got ""'],
    [
      pictures.slice(0, 1),
      [["cat", "cat"]],
      {},
      'categories[0][1]: expected another name than that of categories[0][0], got "cat"',
    ],
    [pictures, ["dog"], { concurrency: 0 }, "options.concurrency: expected number >=1, got 0"],
    [pictures, ["dog"], { thresholds: { cat: 0.1 } }, 'options.thresholds: expected names of categories, got "cat"'],
    [
      pictures.slice(0, 1),
      [["dog"]],
      { thresholds: { cat: 0.1 } },
      'options.thresholds: expected names of categories, got "cat"',
    ],
    [pictures, ["dog"], { thresholds: { dog: 2 } }, "options.thresholds.dog: expected number <=1, got 2"],
    [pictures, ["dog"], { treshold: 1 }, "options.treshold: expected nothing of that name, got 1"],
  ])("%#", async (images, categories, options, message) => {
    const caller = fakeCaller();
    const call = detectAll(caller, images as Arguments[1], categories as Arguments[2], options as Arguments[3]);
    await expect(call).rejects.toMatchObject({ code: "invalid_argument", message });
    expect(caller.asked).toEqual([]);
  });

  it("captions too", async () => {
    const call = groundAll(fakeCaller(), pictures.slice(0, 2), ["a dog", " "]);
    await expect(call).rejects.toMatchObject({ message: 'captions[1]: expected a caption, got " "' });
  });
});
