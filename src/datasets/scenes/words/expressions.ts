import type { Random } from "../random.ts";
import { positionOf, positionPhrases } from "./positions.ts";
import { holds, mayHold, relationWords } from "./relations.ts";
import { type Part, phrase, type Sentence, sentence } from "./sentence.ts";
import type { SeenObject, View } from "./view.ts";
import { namesOf } from "./nouns.ts";

/** An expression that one object alone fits: `the cat to the left of the red circle`. */
export interface Expression extends Sentence {
  /** The object's id. The first phrase of the expression means it. */
  target: number;
}

/** One expression for each of at most `most` objects. Objects that nothing simple tells apart get none. */
export function expressions(view: View, most: number, random: Random): Expression[] {
  return random
    .shuffle(view.objects)
    .flatMap((object) => {
      const parts = refer(view, object, random);
      return parts === undefined ? [] : [{ ...sentence(...parts), target: object.id }];
    })
    .slice(0, most);
}

function refer(view: View, object: SeenObject, random: Random): Part[] | undefined {
  const plain = view.uniqueNames(object).map((name) => [phrase(`the ${name}`, [object.id])]);
  const ways = [plain, byPlace(view, object), byRelation(view, object)].filter((all) => all.length > 0);
  return ways.length === 0 ? undefined : random.pick(random.pick(ways));
}

/** `the cat at the top left`: no other cat is there, or may be said to be. */
function byPlace(view: View, object: SeenObject): Part[][] {
  const position = positionOf(object);
  if (position === undefined) return [];
  return namesOf(object.object)
    .filter((name) => isTold(view, name, object, (other) => [position, undefined].includes(positionOf(other))))
    .map((name) => [phrase(`the ${name}`, [object.id]), ` ${positionPhrases[position]}`]);
}

/** `the cat to the left of the drum`: there is one drum, and no other cat is left of it, or may be said to be. */
function byRelation(view: View, object: SeenObject): Part[][] {
  return view.unique().flatMap(({ object: reference, name: referenceName }) =>
    relationWords
      .filter((relation) => reference !== object && holds(relation, object, reference))
      .flatMap((relation) =>
        namesOf(object.object)
          .filter((name) => !view.named(name).includes(reference))
          .filter((name) => isTold(view, name, object, (other) => mayHold(relation, other, reference)))
          .map((name): Part[] => [
            phrase(`the ${name}`, [object.id]),
            ` ${relation} `,
            phrase(`the ${referenceName}`, [reference.id]),
          ]),
      ),
  );
}

/** Whether no other object of this name is taken for it. */
function isTold(view: View, name: string, object: SeenObject, mistaken: (other: SeenObject) => boolean): boolean {
  return view.named(name).every((other) => other === object || !mistaken(other));
}
