import { heldOutIcons, seenIcons } from "../categories.ts";
import type { SceneObject } from "../scene.ts";

const plurals = new Map([...seenIcons, ...heldOutIcons].map(({ name, plural }) => [name, plural]));
const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/** Of a noun, or of words that end in one: `red crosses`. */
export function pluralOf(words: string): string {
  const noun = words.slice(words.lastIndexOf(" ") + 1);
  const plural = plurals.get(noun) ?? (/(s|sh|ch|x)$/.test(noun) ? `${noun}es` : `${noun}s`);
  return words.slice(0, words.length - noun.length) + plural;
}

/** `a cat`, `an apple` */
export function withArticle(words: string): string {
  return `${/^([aeio]|um)/.test(words) ? "an" : "a"} ${words}`;
}

export function numberWord(count: number): string {
  return numbers[count] ?? String(count);
}

/** What an object may be called: `cat`; `circle` and `red circle`. The last says most. */
export function namesOf(object: SceneObject): string[] {
  return object.kind === "shape" ? [object.category, `${object.color} ${object.category}`] : [object.category];
}

/** What it is called when nothing is left out but its size. */
export function fullName(object: SceneObject): string {
  return namesOf(object).at(-1) as string;
}
