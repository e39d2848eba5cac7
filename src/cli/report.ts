import { assignColors } from "../images/palette.ts";
import type { Box } from "../images/annotation.ts";
import { Answered } from "../tasks/results/answered.ts";
import { Captioned } from "../tasks/results/captioned.ts";
import { Detections } from "../tasks/results/detections.ts";
import type { Grounding } from "../tasks/results/grounding.ts";
import { table } from "./table.ts";

export interface ReportOptions {
  /** How the user calls the picture. */
  name: string;
  /** What nothing scored above; in parentheses where categories have their own. */
  threshold: number;
  /** Colours that the terminal can show: 0, 256 or 2^24. */
  colors: number;
}

/** What was found, as a person reads it: a heading, then a row for each object, in the drawing's colours. */
export function report(found: Detections | Grounding | Answered, { name, threshold, colors }: ReportOptions): string {
  const { objects, width, height, passes } = found;
  const keys = found instanceof Detections ? found.categories : found.phrases.map(({ text }) => text);
  const palette = assignColors(keys);
  const count = `${objects.length === 0 ? "no object" : objects.length === 1 ? "1 object" : `${objects.length} objects`}`;
  const prompts = passes > 1 ? `, looked for in ${passes} prompts` : "";
  const head = `${said(found, name)}: ${count} above ${threshold} (${width} x ${height} pixels${prompts})`;
  const missing = found instanceof Detections ? [] : found.phrases.filter((phrase) => phrase.objects.length === 0);
  const rows = objects.map(({ label, score, box }): Row => [label, score.toFixed(2), ...corners(box)]);
  if (rows.length === 0) return `${head}\nA lower --threshold shows what scored less.`;
  const title = found instanceof Detections ? "label" : "phrase";
  const nothing = missing.map(({ text }): Row => [text, "-", "", "", "", ""]);
  const lines = table([[title, "score", "x1", "y1", "x2", "y2"], ...rows, ...nothing]);
  const marks = ["", ...objects.map(({ label }) => palette.get(label) ?? ""), ...nothing.map(() => "")];
  const marked = lines.map((line, index) => `  ${colors > 0 ? mark(marks[index] as string, colors) : ""}${line}`);
  return [head, ...marked].join("\n");
}

/** What comes before the objects: an answer and its rivals, a caption, or the picture's name alone. */
function said(found: Detections | Grounding | Answered, name: string): string {
  if (found instanceof Captioned) return `${name}: ${found.caption}\n  what it speaks of`;
  if (!(found instanceof Answered)) return name;
  const answers = found.answers.map(({ answer, probability }) => `${answer} ${probability.toFixed(2)}`);
  return `${name}: ${answers.join(", ")}\n  what the question speaks of`;
}

type Row = [label: string, score: string, x1: string, y1: string, x2: string, y2: string];

function corners(box: Box): [string, string, string, string] {
  const [x1, y1, x2, y2] = box.map((value) => String(Math.round(value))) as [string, string, string, string];
  return [x1, y1, x2, y2];
}

/** A square of the colour (`#rrggbb`, empty for none) and a space, as well as the terminal can. */
function mark(color: string, colors: number): string {
  if (color === "") return "  ";
  const channels = [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
  if (colors >= 2 ** 24) return `\u001b[38;2;${channels.join(";")}m■\u001b[0m `;
  const [red, green, blue] = channels.map((value) => Math.round((value / 255) * 5)) as [number, number, number];
  return `\u001b[38;5;${16 + 36 * red + 6 * green + blue}m■\u001b[0m `;
}
