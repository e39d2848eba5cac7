import { escapeHtml } from "../../training/table.ts";
import type { RunDetails } from "../run-folder.ts";

/** In units of the drawing. */
const [WIDTH, HEIGHT] = [520, 320];
const [LEFT, RIGHT, TOP, BOTTOM] = [40, 12, 10, 34];
const MARKS = [0, 0.2, 0.4, 0.6, 0.8, 1];

const x = (recall: number): number => LEFT + recall * (WIDTH - LEFT - RIGHT);
const y = (precision: number): number => TOP + (1 - precision) * (HEIGHT - TOP - BOTTOM);

/** Precision over recall; the area below each curve, which is its average precision, stands beside its name. */
export function precisionChart(curves: RunDetails["curves"]): string {
  if (curves.length === 0) return "";
  const rows = MARKS.map(
    (mark) =>
      `<path class="grid" d="M${x(0)} ${y(mark)}H${x(1)}"/><text class="y" x="${LEFT - 6}" y="${y(mark)}">${mark}</text>` +
      `<text class="x" x="${x(mark)}" y="${HEIGHT - 18}">${mark}</text>`,
  );
  const lines = curves.map(({ precision }, place) => {
    const last = Math.max(1, precision.length - 1);
    const points = precision.map((value, index) => `${fixed(x(index / last))} ${fixed(y(value))}`);
    return `<path class="line curve${place}" d="M${points.join("L")}"/>`;
  });
  const legend = curves.map(({ name, precision }, place) => {
    const mean = precision.reduce((sum, value) => sum + value, 0) / (precision.length || 1);
    return `<span class="key curve${place}">${escapeHtml(name)} <b>${mean.toFixed(3)}</b></span>`;
  });
  return `<figure class="chart"><figcaption>${legend.join("")}</figcaption>
<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="precision over recall">
${rows.join("")}${lines.join("")}<text class="x" x="${x(0.5)}" y="${HEIGHT - 2}">recall (mean over categories)</text></svg></figure>`;
}

export interface Bar {
  name: string;
  /** 0 to `most`. */
  value: number | null;
  text: string;
  /** @default "" */
  kind?: string;
}

/** Bars below each other, as long as their values are of `most`. */
export function bars(rows: readonly Bar[], most: number): string {
  const lines = rows.map(({ name, value, text, kind = "" }) => {
    const part = value === null || most <= 0 ? 0 : (100 * Math.max(0, value)) / most;
    const bar = `<i class="${kind}" style="width:${fixed(Math.min(100, part))}%"></i>`;
    return `<div class="bar"><span>${escapeHtml(name)}</span><div>${bar}</div><b>${escapeHtml(text)}</b></div>`;
  });
  return `<div class="bars">${lines.join("\n")}</div>`;
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
