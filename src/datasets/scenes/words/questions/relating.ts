import type { Random } from "../../random.ts";
import type { Stock } from "../../splits.ts";
import { fullName } from "../nouns.ts";
import { holds, mayHold, opposites, relationWords } from "../relations.ts";
import { phrase } from "../sentence.ts";
import type { View } from "../view.ts";
import { type Question, question } from "./question.ts";

/** `is the cat behind the drum?` Half of the answers are no, and then it is the other way round. */
export function relation(view: View, _: Stock, random: Random): Question | undefined {
  const named = view.unique();
  const facts = named.flatMap((subject) =>
    named.flatMap((reference) =>
      relationWords
        .filter((word) => subject !== reference && holds(word, subject.object, reference.object))
        .map((word) => ({ subject, word, reference })),
    ),
  );
  if (facts.length === 0) return undefined;
  const { subject, word, reference } = random.pick(facts);
  const yes = random.chance(0.5);
  const ids = [subject.object.id, reference.object.id];
  const parts = [
    "is ",
    phrase(`the ${subject.name}`, ids.slice(0, 1)),
    ` ${yes ? word : opposites[word]} `,
    phrase(`the ${reference.name}`, ids.slice(1)),
    "?",
  ];
  return question("relation", parts, yes ? "yes" : "no", ids);
}

/** `what is to the left of the drum?` One thing is, and of no other could one say so. */
export function neighbour(view: View, _: Stock, random: Random): Question | undefined {
  const asked = view.unique().flatMap(({ object: reference, name }) =>
    relationWords.flatMap((word) => {
      const others = view.objects.filter((other) => other !== reference);
      const possible = others.filter((other) => mayHold(word, other, reference));
      const [only] = possible;
      const clear = only !== undefined && possible.length === 1 && holds(word, only, reference);
      return clear ? [{ only, word, reference, name }] : [];
    }),
  );
  if (asked.length === 0) return undefined;
  const { only, word, reference, name } = random.pick(asked);
  const parts = [`what is ${word} `, phrase(`the ${name}`, [reference.id]), "?"];
  return question("neighbour", parts, only.object.category, [only.id]);
}

/** `which is larger, the cat or the drum?` One is at least half as large again, in its longer side. */
export function comparison(view: View, _: Stock, random: Random): Question | undefined {
  const named = view.unique().filter(({ object, name }) => name === fullName(object.object));
  const pairs = named.flatMap((large) =>
    named
      .filter((small) => large.object.object.extent > 1.5 * small.object.object.extent)
      .map((small) => [large, small] as const),
  );
  // The answer is a noun alone: it must tell the two apart.
  const asked = pairs.filter(([large, small]) => large.object.object.category !== small.object.object.category);
  if (asked.length === 0) return undefined;
  const [large, small] = random.pick(asked);
  const larger = random.chance(0.5);
  const [answer] = larger ? [large] : [small];
  const [first, second] = random.shuffle([large, small]) as [typeof large, typeof large];
  const parts = [
    `which is ${larger ? "larger" : "smaller"}, `,
    phrase(`the ${first.name}`, [first.object.id]),
    " or ",
    phrase(`the ${second.name}`, [second.object.id]),
    "?",
  ];
  return question("comparison", parts, answer.object.object.category, [answer.object.id]);
}
