import { describe, expect, it } from "vitest";
import type { CocoOptions } from "../../../src/tasks/results/coco.ts";
import { Detections } from "../../../src/tasks/results/detections.ts";
import { Grounding } from "../../../src/tasks/results/grounding.ts";

const picture = { path: "/nowhere/a.png" };
const size = { width: 600, height: 500, passes: 1, picture };
const detections = new Detections({
  ...size,
  categories: ["person", "dog"],
  objects: [
    { label: "dog", category: 1, score: 0.9, box: [100, 200, 300.5, 400] },
    { label: "person", category: 0, score: 0.4, box: [10, 10, 90, 490] },
  ],
});

describe("COCO's results", () => {
  it("have boxes of corner and size, and categories counted from 1", () => {
    expect(detections.toCOCO({ imageId: 7 })).toEqual([
      { image_id: 7, category_id: 2, bbox: [100, 200, 200.5, 200], score: 0.9 },
      { image_id: 7, category_id: 1, bbox: [10, 10, 80, 480], score: 0.4 },
    ]);
  });

  it.each([{ person: 1, dog: 18, unused: 3 }, [1, 18]])("have the ids of the annotations: %j", (categoryIds) => {
    const results = detections.toCOCO({ imageId: "a.png", categoryIds });
    expect(results.map(({ image_id, category_id }) => [image_id, category_id])).toEqual([
      ["a.png", 18],
      ["a.png", 1],
    ]);
  });

  it.each<[unknown, string]>([
    [{}, "options.imageId: expected an integer or a text, got undefined"],
    [{ imageId: 1.5 }, "options.imageId: expected an integer or a text, got 1.5"],
    [{ imageId: 1, categoryIds: { dog: 18 } }, 'options.categoryIds: expected an id for "person", got none'],
    [{ imageId: 1, categoryIds: [3] }, 'options.categoryIds: expected an id for "dog", got none'],
    [{ imageId: 1, categoryIds: "ids" }, 'options.categoryIds: expected integers, by name or in order, got "ids"'],
    [{ imageId: 1, image_id: 1 }, "options.image_id: expected nothing of that name, got 1"],
  ])("refuse %j", (options, message) => {
    expect(() => detections.toCOCO(options as CocoOptions)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message }),
    );
  });

  it("of a caption have its phrases as categories", () => {
    const grounding = new Grounding({
      ...size,
      caption: "a dog, a man",
      phrases: [
        { text: "a dog", span: [0, 5], objects: [] },
        { text: "a man", span: [7, 12], objects: [{ label: "a man", phrase: 1, score: 0.5, box: [0, 0, 2, 3] }] },
      ],
    });
    const [found] = grounding.toCOCO({ imageId: 1, categoryIds: { "a dog": 4, "a man": 5 } });
    expect(found).toEqual({ image_id: 1, category_id: 5, bbox: [0, 0, 2, 3], score: 0.5 });
  });
});
