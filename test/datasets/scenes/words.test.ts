import { describe, expect, it, test } from "vitest";
import { describeScene } from "../../../src/datasets/scenes/annotate.ts";
import { composeScene } from "../../../src/datasets/scenes/compose/scene.ts";
import { Random } from "../../../src/datasets/scenes/random.ts";
import type { SceneObject } from "../../../src/datasets/scenes/scene.ts";
import { colorNames } from "../../../src/datasets/scenes/shapes.ts";
import { sceneSplits, stockOf } from "../../../src/datasets/scenes/splits.ts";
import { answerVocabulary } from "../../../src/datasets/scenes/words/answers.ts";
import { captions } from "../../../src/datasets/scenes/words/captions.ts";
import { expressions } from "../../../src/datasets/scenes/words/expressions.ts";
import { pluralOf, withArticle } from "../../../src/datasets/scenes/words/nouns.ts";
import { questions } from "../../../src/datasets/scenes/words/questions.ts";
import { View } from "../../../src/datasets/scenes/words/view.ts";
import { icon, numbered, shape } from "./objects.ts";

const colorWord = new RegExp(`\\b(${colorNames.join("|")})\\b`);
const many = <T>(make: (random: Random) => T[]): T[] =>
  Array.from({ length: 200 }, (_, index) => make(new Random(`test ${index}`))).flat();
const captionsOf = (objects: SceneObject[]) =>
  many((random) => captions(new View({ objects: numbered(objects) }), random));
const expressionsOf = (objects: SceneObject[]) =>
  many((random) => expressions(new View({ objects: numbered(objects) }), 9, random));
const questionsOf = (objects: SceneObject[]) =>
  many((random) => questions(new View({ objects: numbered(objects) }), stockOf("train"), 9, random));
const texts = (said: { text: string }[]) => new Set(said.map(({ text }) => text));

describe.each(sceneSplits)("sentences of %s", (split) => {
  const scenes = Array.from({ length: 150 }, (_, index) => composeScene({ split, seed: 5, index }));
  const words = scenes.map((scene) => ({ scene, ...describeScene(scene) }));

  it("have spans that are the phrases' texts, in order, and objects that exist", () => {
    for (const { scene, captions, expressions, questions } of words)
      for (const { text, phrases } of [...captions, ...expressions, ...questions]) {
        expect(text).toMatch(/^[ -~]+$/);
        let last = 0;
        for (const { start, end, text: piece, objects } of phrases) {
          expect(text.slice(start, end)).toBe(piece);
          expect(start).toBeGreaterThanOrEqual(last);
          last = end;
          for (const id of objects) expect(scene.objects[id]?.id).toBe(id);
        }
      }
  });

  it("speak of objects that are what the phrase says", () => {
    const said = words.flatMap(({ scene, captions, expressions }) =>
      [...captions, ...expressions].flatMap(({ phrases }) =>
        phrases.flatMap(({ text, objects }) =>
          objects.map((id) => ({ text, object: scene.objects[id] as SceneObject })),
        ),
      ),
    );
    expect(said.length).toBeGreaterThan(500);
    for (const { text, object } of said) {
      expect(text).toMatch(new RegExp(`\\b(${object.category}|${pluralOf(object.category)})$`));
      // Small or large only if it is, a colour only if it has that one.
      expect([object.size, undefined]).toContain(/\b(small|large)\b/.exec(text)?.[1]);
      expect([object.kind === "shape" ? object.color : undefined, undefined]).toContain(colorWord.exec(text)?.[0]);
    }
  });

  it("mean somebody in every phrase of a caption and an expression", () => {
    const phrases = words.flatMap(({ captions, expressions }) =>
      [...captions, ...expressions].flatMap((one) => one.phrases),
    );
    expect(phrases.filter(({ objects }) => objects.length === 0)).toEqual([]);
  });

  it("have answers of the split's vocabulary, and the objects that they rest on", () => {
    const vocabulary = new Set(answerVocabulary(split));
    for (const { type, answer, objects } of words.flatMap(({ questions }) => questions)) {
      expect(vocabulary).toContain(answer);
      const wanted = type === "count" ? Number(answer) : type === "existence" && answer === "no" ? 0 : undefined;
      expect(objects.length).toBe(wanted ?? Math.max(1, objects.length));
    }
  });
});

describe("a cat to the left of a red circle", () => {
  const objects = [
    icon("cat", { x: 0.2, y: 0.5 }),
    shape("red", "circle", { x: 0.8, y: 0.5, extent: 0.4, size: "large" }),
  ];

  it("is captioned so, never the other way round", () => {
    const said = texts(captionsOf(objects));
    expect(said).toContain("a cat is to the left of a red circle.");
    expect(said).toContain("a cat and a large red circle.");
    expect(said).toContain("a cat on the left and a red circle on the right.");
    for (const text of said) expect(text).not.toMatch(/cat.* right of|circle.* left of|above|below|behind|front/);
  });

  it("is asked for", () => {
    const asked = questionsOf(objects).map(({ text, answer, objects: ids }) => [text, answer, ids.join()].join(" "));
    expect(asked).toContain("what color is the circle? red 1");
    expect(asked).toContain("what is the red shape? circle 1");
    expect(asked).toContain("what is to the right of the cat? circle 1");
    expect(asked).toContain("is the cat to the right of the red circle? no 0,1");
    expect(asked).toContain("which is smaller, the cat or the red circle? cat 0");
    expect(asked).toContain("where is the cat? left 0");
    expect(asked).toContain("how many objects are there? 2 0,1");
  });
});

describe("expressions", () => {
  it("tell two cats apart by what is beside them", () => {
    const cats = [icon("cat", { x: 0.15, y: 0.5 }), icon("cat", { x: 0.85, y: 0.5 }), icon("drum", { x: 0.5, y: 0.5 })];
    const said = new Map(expressionsOf(cats).map(({ text, target }) => [text, target]));
    expect(said.get("the cat to the left of the drum")).toBe(0);
    expect(said.get("the cat on the right")).toBe(1);
    expect(said.get("the drum")).toBe(2);
    expect(said.has("the cat")).toBe(false);
  });

  it("do not say left of when another might be called so", () => {
    const cats = [icon("cat", { x: 0.15, y: 0.5 }), icon("cat", { x: 0.51, y: 0.9 }), icon("drum", { x: 0.5, y: 0.5 })];
    expect(texts(expressionsOf(cats))).not.toContain("the cat to the left of the drum");
  });

  it("find no words for twins side by side", () => {
    const twins = [icon("cat", { x: 0.4, y: 0.34 }), icon("cat", { x: 0.6, y: 0.34 })];
    expect(expressionsOf(twins)).toEqual([]);
  });
});

it("says behind and in front of where one hides the other", () => {
  const objects = [
    shape("blue", "square", { x: 0.5, y: 0.5, extent: 0.4, size: "large" }),
    icon("key", { x: 0.5, y: 0.5, extent: 0.25 }),
  ];
  const said = texts(captionsOf(objects));
  expect(said).toContain("a key is in front of a blue square.");
  expect(said).toContain("a blue square is behind a key.");
  for (const text of said) expect(text).not.toMatch(/square.* in front|key.* behind/);
});

test.each([
  ["red cross", "a red cross", "red crosses"],
  ["apple", "an apple", "apples"],
  ["umbrella", "an umbrella", "umbrellas"],
  ["unicorn", "a unicorn", "unicorns"],
  ["fish", "a fish", "fish"],
  ["orange arrow", "an orange arrow", "orange arrows"],
  ["palm tree", "a palm tree", "palm trees"],
  ["bus", "a bus", "buses"],
])("%s: %s, two %s", (name, one, several) => {
  expect(withArticle(name)).toBe(one);
  expect(pluralOf(name)).toBe(several);
});
