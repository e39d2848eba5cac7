import { type Part, type Sentence, sentence } from "../sentence.ts";

export const questionTypes = [
  "count",
  "existence",
  "color",
  "shape",
  "size",
  "place",
  "relation",
  "neighbour",
  "comparison",
] as const;
export type QuestionType = (typeof questionTypes)[number];

/** A question with its one right answer. */
export interface Question extends Sentence {
  type: QuestionType;
  answer: string;
  /** The ids of the objects that the answer rests on; none for what is not there. */
  objects: number[];
}

export function question(
  type: QuestionType,
  parts: Part[],
  answer: string | number,
  objects: readonly number[],
): Question {
  return { ...sentence(...parts), type, answer: String(answer), objects: [...objects] };
}
