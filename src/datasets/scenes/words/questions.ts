import type { Random } from "../random.ts";
import type { Stock } from "../splits.ts";
import { count, existence } from "./questions/counting.ts";
import { color, place, shape, size } from "./questions/attributes.ts";
import { comparison, neighbour, relation } from "./questions/relating.ts";
import type { Question, QuestionType } from "./questions/question.ts";
import type { View } from "./view.ts";

/** What a question is made from. Undefined when the picture has nothing to ask in that way. */
type Ask = (view: View, stock: Stock, random: Random) => Question | undefined;

const kinds: Record<QuestionType, Ask> = {
  count,
  existence,
  color,
  shape,
  size,
  place,
  relation,
  neighbour,
  comparison,
};

/** At most `most` questions, all of different types; which types, chance decides. */
export function questions(view: View, stock: Stock, most: number, random: Random): Question[] {
  return random
    .shuffle(Object.values(kinds))
    .map((ask) => ask(view, stock, random))
    .filter((question) => question !== undefined)
    .slice(0, most);
}
