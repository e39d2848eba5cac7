import type { AnnotationPhrase } from "./annotation.ts";
import type { Rectangle } from "./labels.ts";
import { type Color, inkOn } from "./palette.ts";
import { CAPITAL_HEIGHT, clusters, fit, layoutLine, measure, type TextLine } from "./text.ts";

/** The caption below a picture: a strip of its full width. */
export interface Caption extends Rectangle {
  fontSize: number;
  /** Pieces of text, each of one colour; those of phrases have a background. */
  pieces: CaptionPiece[];
}

export interface CaptionPiece extends Rectangle {
  /** The phrase's colour; undefined for the words between. */
  color: Color | undefined;
  ink: string;
  /** Where the text starts, on its baseline. */
  text: { x: number; y: number; line: TextLine };
}

export interface CaptionSettings {
  width: number;
  /** Where the strip begins. */
  top: number;
  fontSize: number;
  colors: ReadonlyMap<string, Color>;
}

const INK = "#1c1c1e";
/** More lines than these end in an ellipsis. */
const MOST_LINES = 12;
/** Left and right of a phrase, in parts of the font size. */
const PADDING = 0.28;

interface Word {
  text: string;
  /** Index of its phrase; undefined between phrases. */
  phrase: number | undefined;
}

/** Breaks the caption into lines at its spaces, or within a word that is wider than the picture. */
export function layoutCaption(
  caption: { text: string; phrases: readonly AnnotationPhrase[] },
  { width, top, fontSize, colors }: CaptionSettings,
): Caption {
  const margin = Math.min(fontSize * 0.9, width * 0.05);
  const lineHeight = fontSize * 1.75;
  const lines = breakLines(wordsOf(caption), width - 2 * margin, fontSize);
  const chipHeight = fontSize * 1.5;
  const padding = PADDING * fontSize;
  const pieces = lines.flatMap((line, row) => {
    const y = top + margin * 0.8 + row * lineHeight + (lineHeight - chipHeight) / 2;
    const baseline = y + (chipHeight + fontSize * CAPITAL_HEIGHT) / 2;
    let x = margin;
    return runsOf(line).map(({ text, phrase }): CaptionPiece => {
      const key = phrase === undefined ? undefined : caption.phrases[phrase]?.colorKey;
      const color = key === undefined ? undefined : colors.get(key);
      const across = measure(text, fontSize) + (phrase === undefined ? 0 : 2 * padding);
      const piece = {
        x,
        y,
        width: across,
        height: chipHeight,
        color,
        ink: color === undefined ? INK : inkOn(color),
        text: { x: phrase === undefined ? x : x + padding, y: baseline, line: layoutLine(text, fontSize) },
      };
      x += across;
      return piece;
    });
  });
  const height = lines.length === 0 ? 0 : Math.ceil(lines.length * lineHeight + margin * 1.6);
  return { x: 0, y: top, width, height, fontSize, pieces };
}

/** Words and the spaces between them, cut where a phrase begins or ends. */
function wordsOf({ text, phrases }: { text: string; phrases: readonly AnnotationPhrase[] }): Word[] {
  const owner: (number | undefined)[] = Array.from({ length: text.length });
  for (const [index, { start, end }] of [...phrases.entries()].reverse()) owner.fill(index, Math.max(0, start), end);
  const words: Word[] = [];
  for (const { index, 0: found } of text.matchAll(/\s+|\S+/g)) {
    let from = index;
    for (let at = index + 1; at <= index + found.length; at++) {
      if (at < index + found.length && owner[at] === owner[from]) continue;
      words.push({ text: text.slice(from, at).replace(/\s+/g, " "), phrase: owner[from] });
      from = at;
    }
  }
  return words;
}

function breakLines(words: readonly Word[], width: number, fontSize: number): Word[][] {
  const lines: Word[][] = [[]];
  let used = 0;
  const newLine = (): void => {
    const last = lines.at(-1) as Word[];
    if (last.at(-1)?.text === " ") last.pop();
    lines.push([]);
    used = 0;
  };
  for (const group of unbreakable(words)) {
    const across = group.reduce((sum, { text }) => sum + measure(text, fontSize), 0) + 2 * PADDING * fontSize;
    const isSpace = group[0]?.text === " ";
    if (used > 0 && used + across > width && !isSpace) newLine();
    if (isSpace && (used === 0 || used + across > width)) continue;
    for (const { text, phrase } of group) {
      for (const part of measure(text, fontSize) > width ? clusters(text) : [text]) {
        const begins = phrase !== undefined && (lines.at(-1) as Word[]).at(-1)?.phrase !== phrase;
        const partWidth = measure(part, fontSize) + (begins ? 2 * PADDING * fontSize : 0);
        if (used > 0 && used + partWidth > width) newLine();
        (lines.at(-1) as Word[]).push({ text: part, phrase });
        used += partWidth;
      }
    }
  }
  if (lines.at(-1)?.length === 0) lines.pop();
  return lines.length <= MOST_LINES ? lines : shortened(lines.slice(0, MOST_LINES), width, fontSize);
}

/** Groups of pieces between which there is no space: a word whose part is a phrase, a phrase and its comma. */
function unbreakable(words: readonly Word[]): Word[][] {
  const groups: Word[][] = [];
  for (const word of words) {
    const last = groups.at(-1);
    if (last === undefined || word.text === " " || last.at(-1)?.text === " ") groups.push([word]);
    else last.push(word);
  }
  return groups;
}

function shortened(lines: Word[][], width: number, fontSize: number): Word[][] {
  const last = lines.at(-1) as Word[];
  const text = last.map((word) => word.text).join("");
  return [...lines.slice(0, -1), [{ text: `${fit(text, fontSize, width - fontSize * 1.5)} …`, phrase: undefined }]];
}

/** Neighbours of one phrase become one piece. */
function runsOf(line: readonly Word[]): Word[] {
  const runs: Word[] = [];
  for (const { text, phrase } of line) {
    const last = runs.at(-1);
    if (last !== undefined && last.phrase === phrase) last.text += text;
    else runs.push({ text, phrase });
  }
  return runs;
}
