import { createHash } from "node:crypto";
import { describe, expect, it, test } from "vitest";
import { describeScene } from "../../../src/datasets/scenes/annotate.ts";
import { heldOutIcons, heldOutStyle, seenIcons } from "../../../src/datasets/scenes/categories.ts";
import { composeScene } from "../../../src/datasets/scenes/compose/scene.ts";
import { layOut } from "../../../src/datasets/scenes/layout.ts";
import { colorNames, heldOutPairs, isHeldOutPair, shapeNames } from "../../../src/datasets/scenes/shapes.ts";
import { categoriesOf, type SceneSplit, sceneSplits } from "../../../src/datasets/scenes/splits.ts";

const COUNT = 400;
const all = (split: SceneSplit) =>
  Array.from({ length: COUNT }, (_, index) => composeScene({ split, seed: 11, index }));
const made = new Map(sceneSplits.map((split) => [split, all(split)]));
const of = (split: SceneSplit) => made.get(split) as ReturnType<typeof all>;
const said = (split: SceneSplit) =>
  of(split)
    .map(describeScene)
    .flatMap(({ captions, expressions, questions }) => [
      ...[...captions, ...expressions].map(({ text }) => text),
      ...questions.map(({ text, answer }) => `${text} ${answer}`),
    ]);
const sha = (value: unknown) => createHash("sha256").update(JSON.stringify(value)).digest("hex").slice(0, 16);

// A change of these is a change of every data set ever made with a seed: change them knowingly, and EDITION with them.
test.each([
  ["train", "005d8a1001ed5df3", "7426f88a9a3c1897"],
  ["val-categories", "9103cb7b0702809a", "1a6d936257d3f3f6"],
] as const)("the scenes of %s, and what is said of them, are the same on every machine", (split, scenes, words) => {
  expect(sha(of(split).slice(0, 100))).toBe(scenes);
  expect(sha(of(split).slice(0, 100).map(describeScene))).toBe(words);
});

it("makes another scene for another split, seed or index", () => {
  const keys = [
    { split: "train", seed: 0, index: 0 },
    { split: "val", seed: 0, index: 0 },
    { split: "train", seed: 1, index: 0 },
    { split: "train", seed: 0, index: 1 },
  ] as const;
  expect(new Set(keys.map((key) => sha(composeScene(key).objects))).size).toBe(keys.length);
});

describe("variety of training scenes", () => {
  const scenes = of("train");
  const objects = scenes.flatMap((scene) => scene.objects);

  it("has 1 to 10 objects, of every category, colour, style and size", () => {
    expect(new Set(scenes.map((scene) => scene.objects.length))).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
    expect(new Set(objects.map(({ category }) => category)).size).toBe(seenIcons.length + shapeNames.length);
    expect(new Set(objects.map((one) => (one.kind === "shape" ? one.color : one.style))).size).toBe(
      colorNames.length + 2,
    );
    expect(new Set(objects.map(({ size }) => size))).toEqual(new Set(["small", "medium", "large"]));
  });

  it("has every kind of background, and pictures with and without clutter, noise and blur", () => {
    expect(new Set(scenes.map(({ background }) => background.pattern.kind)).size).toBe(8);
    for (const has of [
      (scene: (typeof scenes)[number]) => scene.clutter.length > 0,
      (scene: (typeof scenes)[number]) => scene.finish.noise > 0,
      (scene: (typeof scenes)[number]) => scene.finish.blur > 0,
    ]) {
      const share = scenes.filter(has).length / scenes.length;
      expect(share).toBeGreaterThan(0.2);
      expect(share).toBeLessThan(0.85);
    }
  });

  it("hides no object too much, yet often some of it", () => {
    const seen = scenes.flatMap((scene) => layOut(scene.objects));
    expect(Math.min(...seen.map(({ visible }) => visible))).toBeGreaterThanOrEqual(0.4);
    expect(seen.filter(({ hiddenBy }) => hiddenBy.size > 0).length / seen.length).toBeGreaterThan(0.1);
  });
});

describe("what is held out", () => {
  const pairOf = (one: ReturnType<typeof all>[number]["objects"][number]) =>
    one.kind === "shape" ? isHeldOutPair(one.color, one.category) : undefined;

  test.each(["train", "val"] as const)("%s shows none of it", (split) => {
    const objects = of(split).flatMap((scene) => scene.objects);
    const heldOut = new Set<string>(heldOutIcons.map(({ name }) => name));
    expect(objects.filter(({ category }) => heldOut.has(category))).toEqual([]);
    expect(objects.filter((one) => pairOf(one) === true)).toEqual([]);
    expect(objects.filter((one) => one.kind === "icon" && one.style === heldOutStyle)).toEqual([]);
  });

  test.each(["train", "val"] as const)("%s names none of it, not even to deny it", (split) => {
    const words = [...heldOutIcons.map(({ name }) => name), ...heldOutPairs.map((pair) => pair.join(" "))];
    const named = new RegExp(`\\b(${words.join("|")})(s|es)?\\b`);
    expect(said(split).filter((text) => named.test(text))).toEqual([]);
    expect(categoriesOf(split).filter(({ name }) => named.test(name))).toEqual([]);
  });

  test.each(["val-pairs", "tune-pairs"] as const)("%s has held-out pairs alone", (split) => {
    const pairs = of(split).flatMap((scene) => scene.objects.map(pairOf).filter((pair) => pair !== undefined));
    expect(pairs.length).toBeGreaterThan(100);
    expect(pairs).not.toContain(false);
  });

  test.each(["val-categories", "tune-categories"] as const)(
    "%s has held-out categories alone, in seen styles",
    (split) => {
      const objects = of(split).flatMap((scene) => scene.objects);
      expect(new Set(objects.map(({ category }) => category))).toEqual(new Set(heldOutIcons.map(({ name }) => name)));
      expect(objects.filter((one) => one.kind === "shape" || one.style === heldOutStyle)).toEqual([]);
    },
  );

  test.each(["val-style", "tune-style"] as const)("%s has seen categories in the held-out style alone", (split) => {
    const objects = of(split).flatMap((scene) => scene.objects);
    const seen = new Set<string>(seenIcons.map(({ name }) => name));
    expect(objects.every((one) => one.kind === "icon" && one.style === heldOutStyle && seen.has(one.category))).toBe(
      true,
    );
  });
});

it("gives a category the same id in every split", () => {
  const ids = new Map<string, number>();
  for (const { id, name } of sceneSplits.flatMap(categoriesOf))
    expect(ids.get(name) ?? id).toBe(ids.set(name, id).get(name));
  expect(ids.get("cat")).toBe(1);
  expect(ids.size).toBe(seenIcons.length + shapeNames.length + heldOutIcons.length);
});
