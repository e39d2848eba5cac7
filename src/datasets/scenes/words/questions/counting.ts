import type { Random } from "../../random.ts";
import type { Stock } from "../../splits.ts";
import { namesOf, pluralOf, withArticle } from "../nouns.ts";
import { phrase } from "../sentence.ts";
import type { View } from "../view.ts";
import { type Question, question } from "./question.ts";

/** `how many cats are there?` */
export function count(view: View, stock: Stock, random: Random): Question | undefined {
  const name = random.chance(0.12) ? absent(view, stock, random) : present(view, random);
  if (name === undefined) return undefined;
  const ids = name === "object" ? view.objects.map(({ id }) => id) : view.named(name).map(({ id }) => id);
  const ending = random.pick([" are there?", " are in the picture?", " can you see?"]);
  return question("count", ["how many ", phrase(pluralOf(name), ids), ending], ids.length, ids);
}

/** `is there a red circle?` Half of the answers are no, and what is asked for then is often nearly there. */
export function existence(view: View, stock: Stock, random: Random): Question | undefined {
  const yes = random.chance(0.5);
  const name = yes ? random.pick(view.objects.flatMap(({ object }) => namesOf(object))) : absent(view, stock, random);
  if (name === undefined) return undefined;
  const ids = view.named(name).map(({ id }) => id);
  const [opening, ending] = random.pick([
    ["is there ", "?"],
    ["is there ", " in the picture?"],
    ["can you see ", "?"],
  ] as const);
  return question("existence", [opening, phrase(withArticle(name), ids), ending], ids.length > 0 ? "yes" : "no", ids);
}

/** What there are several of rather than what there is one of, so that not every answer is 1. */
function present(view: View, random: Random): string {
  if (random.chance(0.2)) return "object";
  const names = [...new Set(view.objects.flatMap(({ object }) => namesOf(object)))];
  return random.weighted(names.map((name) => [name, view.named(name).length > 1 ? 4 : 1] as const));
}

/** A name that the split has and the picture has not; a shape in another colour or a colour in another shape if it can. */
function absent(view: View, { icons, pairs }: Stock, random: Random): string | undefined {
  const there = new Set(view.objects.flatMap(({ object }) => namesOf(object)));
  const shown = view.objects.flatMap(({ object }) => (object.kind === "shape" ? [object] : []));
  const near = pairs.filter(([color, shape]) => shown.some((seen) => seen.color === color || seen.category === shape));
  const names = [
    ...(near.length > 0 && random.chance(0.5) ? near : []).map(([color, shape]) => `${color} ${shape}`),
    ...(random.chance(0.4) ? pairs.map(([color, shape]) => random.pick([shape, `${color} ${shape}`])) : []),
  ].filter((name) => !there.has(name));
  if (names.length > 0) return random.pick(names);
  const others = icons.map(({ name }) => name).filter((name) => !there.has(name));
  return others.length > 0 ? random.pick(others) : undefined;
}
