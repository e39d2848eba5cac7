import type { Random } from "../../random.ts";
import type { Stock } from "../../splits.ts";
import { positionOf } from "../positions.ts";
import { phrase } from "../sentence.ts";
import type { View } from "../view.ts";
import { type Question, question } from "./question.ts";

/** `what color is the star?` */
export function color(view: View, _: Stock, random: Random): Question | undefined {
  const asked = view.objects.flatMap((seen) => {
    const { object } = seen;
    if (object.kind !== "shape") return [];
    const names = view.uniqueNames(seen).filter((name) => !name.includes(object.color));
    return names.map((name) => ({ id: seen.id, name, answer: object.color }));
  });
  if (asked.length === 0) return undefined;
  const { id, name, answer } = random.pick(asked);
  return question("color", ["what color is ", phrase(`the ${name}`, [id]), "?"], answer, [id]);
}

/** `what is the red shape?` */
export function shape(view: View, _: Stock, random: Random): Question | undefined {
  const shapes = view.objects.flatMap(({ id, object }) => (object.kind === "shape" ? [{ id, object }] : []));
  const asked = shapes.filter(
    ({ object }) => shapes.filter((other) => other.object.color === object.color).length === 1,
  );
  if (asked.length === 0) return undefined;
  const { id, object } = random.pick(asked);
  return question("shape", ["what is ", phrase(`the ${object.color} shape`, [id]), "?"], object.category, [id]);
}

/** `is the cat small or large?` */
export function size(view: View, _: Stock, random: Random): Question | undefined {
  const asked = view.unique().filter(({ object, name }) => {
    const { size } = object.object;
    return size !== "medium" && !name.startsWith(size);
  });
  if (asked.length === 0) return undefined;
  const { object, name } = random.pick(asked);
  const choice = random.pick(["small or large", "large or small"]);
  return question("size", ["is ", phrase(`the ${name}`, [object.id]), ` ${choice}?`], object.object.size, [object.id]);
}

/** `where is the cat?` */
export function place(view: View, _: Stock, random: Random): Question | undefined {
  const asked = view.unique().flatMap(({ object, name }) => {
    const position = positionOf(object);
    return position === undefined ? [] : [{ id: object.id, name, position }];
  });
  if (asked.length === 0) return undefined;
  const { id, name, position } = random.pick(asked);
  return question("place", ["where is ", phrase(`the ${name}`, [id]), "?"], position, [id]);
}
