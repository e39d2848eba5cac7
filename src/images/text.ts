import { interGlyphs } from "./inter-glyphs.ts";

/** A piece of a line of text, placed. */
export type TextRun =
  /** Drawn from the outlines that come with the SDK. `path` is in pixels, from the line's origin on its baseline. */
  | { kind: "outline"; path: string }
  /** Characters that have no outline here: left to the fonts of whoever shows the drawing. */
  | { kind: "system"; text: string; x: number; width: number };

export interface TextLine {
  width: number;
  runs: TextRun[];
}

/** Height of a capital letter, and how far below the baseline letters reach, in parts of the font size. */
export const CAPITAL_HEIGHT = 0.727;
export const DESCENT = 0.21;

const EM = 1000;
const ELLIPSIS = "…";
/** Drawn where a character can't be: an upright box, 0.6 em wide. */
const REPLACEMENT_OUTLINE = "m60 0v-727h480v727zm80-80h320v-567h-320z";
const REPLACEMENT_ADVANCE = 600;

interface Glyph {
  advance: number;
  outline: string;
}

let glyphs: Map<string, Glyph> | undefined;

/** Lays out one line of text, as wide as its glyphs are. Characters without an outline get an estimated width. */
export function layoutLine(text: string, size: number): TextLine {
  const runs: TextRun[] = [];
  let path = "";
  let x = 0;
  let system: Extract<TextRun, { kind: "system" }> | undefined;
  let spaces = "";
  for (const cluster of clusters(text)) {
    const glyph = glyphOf(cluster);
    const width = widthOf(cluster, size);
    if (glyph === undefined) {
      if (system === undefined) runs.push((system = { kind: "system", text: "", x, width: 0 }));
      // Spaces between two words of such a script stay with them: their order is the font's to say.
      system.text += spaces + cluster;
      system.width = x + width - system.x;
      spaces = "";
    } else if (glyph.outline === "") {
      spaces = system === undefined ? "" : spaces + cluster;
    } else {
      path += `M${round(x)} 0${scaled(glyph.outline, size)}`;
      system = undefined;
      spaces = "";
    }
    x += width;
  }
  if (path !== "") runs.unshift({ kind: "outline", path });
  return { width: x, runs };
}

/** Width of a line in pixels. */
export function measure(text: string, size: number): number {
  let width = 0;
  for (const cluster of clusters(text)) width += widthOf(cluster, size);
  return width;
}

/** The text, cut at its end with an ellipsis where it is wider than `width`. Empty when not even that fits. */
export function fit(text: string, size: number, width: number): string {
  if (measure(text, size) <= width) return text;
  const parts = clusters(text);
  let rest = width - measure(ELLIPSIS, size);
  if (rest < 0) return "";
  let kept = 0;
  while (kept < parts.length) {
    rest -= widthOf(parts[kept] as string, size);
    if (rest < 0) break;
    kept++;
  }
  return parts.slice(0, kept).join("").trimEnd() + ELLIPSIS;
}

/** Whether every character of the text has an outline here. */
export function hasOutlines(text: string): boolean {
  return clusters(text).every((cluster) => glyphOf(cluster) !== undefined);
}

/** Outlines of boxes that stand for the characters of a run that can't be drawn. */
export function replacementPath({ text, x }: { text: string; x: number }, size: number): string {
  let path = "";
  let at = x;
  for (const cluster of clusters(text)) {
    const width = widthOf(cluster, size);
    const indent = (width - (REPLACEMENT_ADVANCE * size) / EM) / 2;
    if (cluster !== " ") path += `M${round(at + indent)} 0${scaled(REPLACEMENT_OUTLINE, size)}`;
    at += width;
  }
  return path;
}

/** User-perceived characters; what would break a line or draw nothing is left out. */
export function clusters(text: string): string[] {
  // oxlint-disable-next-line eslint/no-control-regex -- control characters are what is to be replaced
  const clean = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, " ").normalize("NFC");
  return Array.from(segmenter.segment(clean), ({ segment }) => segment);
}

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });

function glyphOf(cluster: string): Glyph | undefined {
  glyphs ??= readGlyphs();
  return glyphs.get(cluster);
}

function widthOf(cluster: string, size: number): number {
  const advance = glyphOf(cluster)?.advance;
  if (advance !== undefined) return (advance * size) / EM;
  return size * (WIDE.test(cluster) ? 1.08 : 0.68);
}

/** Scripts and symbols whose characters are about as wide as they are high. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Extended_Pictographic}\p{Regional_Indicator}\uff01-\uff60]/u;

function readGlyphs(): Map<string, Glyph> {
  const found = new Map<string, Glyph>();
  for (const page of interGlyphs) {
    for (const entry of page.split("\t")) {
      const [, character, advance, outline] = /^(.)(\d+)(.*)$/u.exec(entry) as unknown as [
        unknown,
        string,
        string,
        string,
      ];
      found.set(character, { advance: Number(advance), outline });
    }
  }
  return found;
}

/** The outline in pixels: every number of it is relative, so each is scaled by itself. */
function scaled(outline: string, size: number): string {
  const factor = size / EM;
  return outline.replace(/(-?)(\d+)/g, (_, sign: string, digits: string, at: number) => {
    const value = round(Number(sign + digits) * factor);
    const separated = sign === "-" && value >= 0 && /\d/.test(outline[at - 1] ?? "");
    return separated ? ` ${value}` : String(value);
  });
}

function round(value: number): number {
  return Math.round(value * 100) / 100 + 0;
}
