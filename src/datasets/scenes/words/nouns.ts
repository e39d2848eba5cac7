import { heldOutIcons, seenIcons } from "../categories.ts";
import type { SceneObject } from "../scene.ts";

const plurals = new Map([...seenIcons, ...heldOutIcons].map(({ name, plural }) => [name, plural]));
const irregular = new Map([
  ["cross", "crosses"],
  ["box", "boxes"],
]);
const numbers = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

export function pluralOf(noun: string): string {
  return plurals.get(noun) ?? irregular.get(noun) ?? `${noun}s`;
}

/** `a cat`, `an apple` */
export function withArticle(words: string): string {
  return `${/^[aeio]/.test(words) || words.startsWith("um") ? "an" : "a"} ${words}`;
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
