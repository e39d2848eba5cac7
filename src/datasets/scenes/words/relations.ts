import type { SeenObject } from "./view.ts";

export const relationWords = ["to the left of", "to the right of", "above", "below", "in front of", "behind"] as const;
export type Relation = (typeof relationWords)[number];

export const opposites: Record<Relation, Relation> = {
  "to the left of": "to the right of",
  "to the right of": "to the left of",
  above: "below",
  below: "above",
  "in front of": "behind",
  behind: "in front of",
};

/** Centres must be this far apart, in fractions of the picture's side. */
const CLEAR = 0.16;
/** One must hide at least this share of the other to be in front of it. */
const HIDES = 0.1;

/** The relation holds beyond doubt: along its axis they are well apart, and more so than across. */
export function holds(relation: Relation, subject: SeenObject, reference: SeenObject): boolean {
  const [dx, dy] = [subject.seen.x - reference.seen.x, subject.seen.y - reference.seen.y];
  switch (relation) {
    case "to the left of":
      return -dx >= CLEAR && -dx > 1.2 * Math.abs(dy);
    case "to the right of":
      return holds("to the left of", reference, subject);
    case "above":
      return -dy >= CLEAR && -dy > 1.2 * Math.abs(dx);
    case "below":
      return holds("above", reference, subject);
    case "in front of":
      return (reference.seen.hiddenBy.get(subject.id) ?? 0) >= HIDES;
    case "behind":
      return holds("in front of", reference, subject);
  }
}

/** Somebody could say that the relation holds. What a sentence rules out must not even be that. */
export function mayHold(relation: Relation, subject: SeenObject, reference: SeenObject): boolean {
  const [dx, dy] = [subject.seen.x - reference.seen.x, subject.seen.y - reference.seen.y];
  switch (relation) {
    case "to the left of":
      return dx < 0.03;
    case "to the right of":
      return dx > -0.03;
    case "above":
      return dy < 0.03;
    case "below":
      return dy > -0.03;
    case "in front of":
      return (reference.seen.hiddenBy.get(subject.id) ?? 0) > 0;
    case "behind":
      return (subject.seen.hiddenBy.get(reference.id) ?? 0) > 0;
  }
}
