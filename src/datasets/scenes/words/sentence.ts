/** A piece of a sentence that speaks of objects: `end` is exclusive, `objects` are ids of the scene's objects. */
export interface Phrase {
  start: number;
  end: number;
  text: string;
  objects: number[];
}

/**
 * A sentence whose phrases say which objects they mean. All of it is ASCII: positions are the same in UTF-16 units,
 * code points and bytes.
 */
export interface Sentence {
  text: string;
  /** In the order of the text; they do not overlap. */
  phrases: Phrase[];
}

/** A piece of a sentence, in the making: plain text, or a phrase. */
export type Part = string | { phrase: string; objects: readonly number[] };

export function phrase(text: string, objects: readonly number[]): Part {
  return { phrase: text, objects };
}

/** Joins the parts as they are. */
export function sentence(...parts: Part[]): Sentence {
  let text = "";
  const phrases: Phrase[] = [];
  for (const part of parts) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const start = text.length;
    text += part.phrase;
    phrases.push({ start, end: text.length, text: part.phrase, objects: [...part.objects] });
  }
  return { text, phrases };
}

/** `a`, `a and b`, `a, b and c` */
export function enumerate(groups: readonly Part[][]): Part[] {
  return groups.flatMap((group, index) => {
    if (index === 0) return group;
    return [index === groups.length - 1 ? " and " : ", ", ...group];
  });
}
