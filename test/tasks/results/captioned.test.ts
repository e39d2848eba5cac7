import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Captioned } from "../../../src/tasks/results/captioned.ts";
import { encoded, plainPNG } from "../../support/pictures.ts";

const data = {
  width: 60,
  height: 50,
  caption: "a dog.",
  phrases: [
    {
      text: "a dog",
      span: [0, 5] as const,
      objects: [{ label: "a dog", phrase: 0, score: 0.9, box: [1, 2, 30, 40] as [number, number, number, number] }],
    },
  ],
  passes: 1,
  logProbability: -1.5,
  ended: true,
};
const told = new Captioned({ ...data, picture: encoded(await plainPNG(60, 50)) });

it("is printed by its own name", () => {
  expect(inspect(told)).toBe('Caption 60x50 "a dog.": 1 object\n  a dog 0.90 [1, 2, 30, 40]');
  expect(String(told)).toBe(inspect(told));
});

it("is its data as JSON", () => {
  expect(JSON.parse(JSON.stringify(told))).toEqual(data);
});

it("shows itself in a notebook", async () => {
  const show = (told as unknown as Record<symbol, () => Promise<Record<string, string>>>)[
    Symbol.for("Jupyter.display")
  ] as () => Promise<Record<string, string>>;
  expect((await show.call(told))["text/plain"]).toMatch(/^Caption 60x50/);
});
