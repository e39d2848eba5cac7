import { GlipError } from "../errors.ts";
import type { Positions, Span } from "./spans.ts";

/** A phrase of a caption: its text, or where it stands in UTF-16 units, as `String.slice` takes it. */
export type PhraseInput = string | readonly [start: number, end: number];

/**
 * Where the phrases stand, in code points. A text means its first occurrence that no
 * phrase before it has, one between word boundaries if there is any: `cat` is not looked for in `caterpillar` then.
 * @throws GlipError `invalid_argument` for a text that is not (or not so often) in the caption, a span that is empty,
 *   outside, or cuts a character, and one that is given twice
 */
export function locatePhrases(caption: string, positions: Positions, phrases: readonly PhraseInput[]): Span[] {
  const taken = new Map<string, number>();
  return phrases.map((phrase, index) => {
    const path = `options.phrases[${index}]`;
    const units = typeof phrase === "string" ? search(caption, phrase, taken, path) : phrase;
    const key = units.join();
    const twin = taken.get(key);
    if (twin !== undefined) throw invalid(path, `another span than that of options.phrases[${twin}]`, shown(phrase));
    taken.set(key, index);
    const [start, end] = units.map((unit) => positions.toPoint(unit)) as [number | undefined, number | undefined];
    if (start === undefined || end === undefined || start >= end) {
      const expected = `a span [start, end] of the caption's characters, 0 <= start < end <= ${caption.length}`;
      throw invalid(path, expected, shown(phrase));
    }
    return { start, end };
  });
}

function search(
  caption: string,
  phrase: string,
  taken: ReadonlyMap<string, number>,
  path: string,
): readonly [number, number] {
  const found: [number, number][] = [];
  for (let at = caption.indexOf(phrase); at !== -1; at = caption.indexOf(phrase, at + phrase.length))
    found.push([at, at + phrase.length]);
  const words = found.filter(([start, end]) => isBoundary(caption, start) && isBoundary(caption, end));
  const free = [...words, ...found].find((units) => !taken.has(units.join()));
  if (free !== undefined) return free;
  const expected = found.length === 0 ? "a text that is in the caption" : `at most ${found.length} times this text`;
  throw invalid(path, expected, shown(phrase));
}

/** Not between two letters or digits. */
function isBoundary(text: string, at: number): boolean {
  return !(
    /[\p{L}\p{N}\p{M}]$/u.test(text.slice(Math.max(0, at - 2), at)) &&
    /^[\p{L}\p{N}\p{M}]/u.test(text.slice(at, at + 2))
  );
}

function shown(phrase: PhraseInput): string {
  return typeof phrase === "string" ? JSON.stringify(phrase) : `[${phrase.join(", ")}]`;
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  const text = `${path}: expected ${expected}, got ${received}`;
  return new GlipError("invalid_argument", text, { path, expected, received });
}
