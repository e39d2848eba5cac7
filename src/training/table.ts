/** A mime type for each form in which a notebook can show something. */
export type MediaBundle = Record<string, string>;

export type Row = readonly [name: string, value: string];

/** Rows that are shown: a set may have a thousand categories. */
const SHOWN = 100;

/** A table of two columns for a notebook. */
export function showTable(rows: readonly Row[]): MediaBundle {
  const rest = rows.length - SHOWN;
  const shown: Row[] = [...rows.slice(0, SHOWN), ...(rest > 0 ? [["…", `${rest} more`] as const] : [])];
  const width = Math.max(0, ...shown.map(([name]) => name.length));
  const html = shown.map((row) => `<tr>${row.map((cell) => `<td>${escapeHtml(cell)}</td>`).join("")}</tr>`);
  return {
    "text/plain": shown.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join("\n"),
    "text/html": `<table>${html.join("")}</table>`,
  };
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}
