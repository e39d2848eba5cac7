import type { Random } from "../random.ts";
import { numberWord, pluralOf, withArticle } from "./nouns.ts";
import { positionOf, positionPhrases } from "./positions.ts";
import { holds, type Relation, relationWords } from "./relations.ts";
import { enumerate, type Part, phrase, type Sentence, sentence } from "./sentence.ts";
import type { SeenObject, View } from "./view.ts";

/** Captions of a picture, each of another kind: all there is, what is where, and how things lie to each other. */
export function captions(view: View, random: Random): Sentence[] {
  return [inventory(view, random), places(view, random), arrangement(view, random)];
}

/** Everything in the picture: `two cats, a red circle and a small key.` */
export function inventory(view: View, random: Random): Sentence {
  const groups = random.shuffle(view.groups());
  const parts = groups.map(({ name, members }) => {
    if (members.length === 1) return [single(members[0] as SeenObject, name, random)];
    return [
      phrase(
        `${numberWord(members.length)} ${pluralOf(name)}`,
        members.map(({ id }) => id),
      ),
    ];
  });
  const verb = (groups[0]?.members.length ?? 0) > 1 ? "are" : "is";
  return sentence(random.pick(["", `there ${verb} `, "a picture of "]), ...enumerate(parts), ".");
}

/** `a small cat is at the top left and a red circle is on the right.`; an inventory where nothing has a clear place. */
function places(view: View, random: Random): Sentence {
  const placed = view.unique().flatMap(({ object, name }) => {
    const position = positionOf(object);
    return position === undefined ? [] : [{ object, name, where: positionPhrases[position] }];
  });
  if (placed.length === 0) return inventory(view, random);
  const copula = random.pick([" ", " is "]);
  const parts = random
    .shuffle(placed)
    .slice(0, 4)
    .map(({ object, name, where }): Part[] => [single(object, name, random), `${copula}${where}`]);
  return sentence(...enumerate(parts), ".");
}

/** `a cat is to the left of a red circle and a key is behind a drum.`; places where nothing has a clear relation. */
function arrangement(view: View, random: Random): Sentence {
  const named = view.unique();
  const facts = named.flatMap((subject) =>
    named.flatMap((reference) =>
      relationWords
        .filter((relation) => subject !== reference && holds(relation, subject.object, reference.object))
        .map((relation) => ({ subject, relation, reference })),
    ),
  );
  if (facts.length === 0) return places(view, random);
  const copula = random.pick([" ", " is "]);
  // What hides what is rarer than what is beside what, and harder to learn.
  const rare = (relation: Relation): number => (relation === "behind" || relation === "in front of" ? 0 : 1);
  const told = new Set<string>();
  const parts: Part[][] = [];
  for (const { subject, relation, reference } of random
    .shuffle(facts)
    .sort((a, b) => rare(a.relation) - rare(b.relation))) {
    const pair = [subject.object.id, reference.object.id].sort((a, b) => a - b).join();
    if (told.has(pair) || parts.length === 3) continue;
    told.add(pair);
    parts.push([
      single(subject.object, subject.name, random),
      `${copula}${relation} `,
      single(reference.object, reference.name, random),
    ]);
  }
  return sentence(...enumerate(parts), ".");
}

/** `a cat`, sometimes `a large cat` */
function single({ id, object }: SeenObject, name: string, random: Random): Part {
  const sized = object.size !== "medium" && !name.startsWith(object.size) && random.chance(0.5);
  return phrase(withArticle(sized ? `${object.size} ${name}` : name), [id]);
}
