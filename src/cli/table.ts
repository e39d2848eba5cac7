import { clusters } from "../images/text.ts";

const WIDEST = 40;

/** Lines of equally wide columns: labels to the left, cut to `widest` columns, and numbers behind them to the right. */
export function table(rows: readonly (readonly string[])[], widest = WIDEST): string[] {
  const cells = rows.map(([label = "", ...numbers]) => [cut(label, widest), ...numbers]);
  const widths = (cells[0] as string[]).map((_, column) => Math.max(...cells.map((row) => columns(row[column] ?? ""))));
  return cells.map((row) =>
    row
      .map((cell, column) => {
        const space = " ".repeat((widths[column] ?? 0) - columns(cell));
        return column === 0 ? cell + space : space + cell;
      })
      .join("  ")
      .trimEnd(),
  );
}

/** As much of a text as fits into so many columns, with … where something is left out. */
export function cut(label: string, widest: number): string {
  if (columns(label) <= widest) return label;
  const parts = clusters(label);
  let kept = "";
  for (const part of parts) {
    if (columns(kept + part) > widest - 1) break;
    kept += part;
  }
  return `${kept.trimEnd()}…`;
}

/** Columns that a terminal gives a text: two for what is as wide as it is high. */
export function columns(text: string): number {
  return clusters(text).reduce((sum, part) => sum + (WIDE.test(part) ? 2 : 1), 0);
}

const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uff01-\uff60]/u;
