import { colorNames } from "../shapes.ts";
import { categoriesOf, type SceneSplit } from "../splits.ts";
import { positions } from "./positions.ts";

/** Every answer that a question about a picture of the split can have. */
export function answerVocabulary(split: SceneSplit): string[] {
  const counts = Array.from({ length: 11 }, (_, count) => String(count));
  const names = categoriesOf(split).map(({ name }) => name);
  return ["yes", "no", ...counts, "small", "large", ...positions, ...colorNames, ...names];
}
