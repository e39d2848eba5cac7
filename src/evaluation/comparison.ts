import { escapeHtml, type MediaBundle } from "../training/table.ts";
import type { PublishedRow, PublishedSetting } from "./published.ts";

/** A run, or published figures. */
export interface ComparisonRow {
  model: string;
  /** Undefined for a run. */
  setting: PublishedSetting | undefined;
  /** Parts of 100, by column; null or missing where there is none. */
  figures: Readonly<Record<string, number | null>>;
  /** Undefined for a run. */
  source: PublishedRow["source"] | undefined;
  note: string;
}

/** Runs and published figures, side by side. */
export class Comparison {
  readonly benchmark: string;
  readonly columns: readonly string[];
  /** The runs first. */
  readonly rows: readonly ComparisonRow[];

  constructor(benchmark: string, columns: readonly string[], rows: readonly ComparisonRow[]) {
    this.benchmark = benchmark;
    this.columns = columns;
    this.rows = rows;
  }

  /** Where the published figures stand, in the order of their numbers in the table. */
  get sources(): PublishedRow["source"][] {
    const all = this.rows.flatMap(({ source }) => source ?? []);
    return [...new Map(all.map((one) => [`${one.url} ${one.text}`, one])).values()];
  }

  /** Head and rows as texts: model, columns, setting, note, and the number of the source. */
  cells(): string[][] {
    const sources = this.sources;
    const numbered = (source: ComparisonRow["source"]): string => {
      const place = sources.findIndex((one) => one.url === source?.url && one.text === source.text);
      return place < 0 ? "" : `[${place + 1}]`;
    };
    const rows = this.rows.map(({ model, figures, setting, note, source }) => [
      model,
      ...this.columns.map((name) => figures[name]?.toFixed(1) ?? "–"),
      setting ?? "",
      note,
      numbered(source),
    ]);
    return [["model", ...this.columns, "setting", "note", "source"], ...rows];
  }

  /** A table as a README takes it, with its sources below it. */
  markdown(): string {
    const [head = [], ...rows] = this.cells().map((row) => row.map(escaped));
    const rule = head.map((_, column) => (column > 0 && column <= this.columns.length ? "---:" : "---"));
    const lines = [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`);
    const sources = this.sources.map(({ text, url }, place) => `[${place + 1}] [${text}](${url})`);
    return `${lines.join("\n")}\n${sources.length > 0 ? `\n${sources.join(" · ")}\n` : ""}`;
  }

  /** How it shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    return { "text/markdown": this.markdown(), "text/html": this.html() };
  }

  /** A table of HTML, with its sources below it; a run's row has the class `own`. */
  html(): string {
    const [head = [], ...rows] = this.cells();
    const cells = (row: readonly string[], tag: string): string =>
      row.map((cell) => `<${tag}>${escapeHtml(cell)}</${tag}>`).join("");
    const lines = rows.map((row, place) => {
      const own = this.rows[place]?.source === undefined ? ' class="own"' : "";
      return `<tr${own}>${cells(row, "td")}</tr>`;
    });
    const sources = this.sources.map(
      ({ text, url }, place) => `[${place + 1}] <a href="${escapeHtml(url)}">${escapeHtml(text)}</a>`,
    );
    return `<table><tr>${cells(head, "th")}</tr>${lines.join("")}</table><p>${sources.join(" · ")}</p>`;
  }
}

function escaped(cell: string): string {
  return cell.replaceAll("|", "\\|").replaceAll("\n", " ");
}
