import { type MediaBundle, escapeHtml } from "../table.ts";
import type { SweepBook } from "./book.ts";
import type { SweepGroup, SweepRow } from "./rows.ts";
import { markdownOf } from "./tables.ts";

/** What `sweep` gives. */
export class SweepResult {
  /** One for each run, in the order of the grid. */
  readonly rows: readonly SweepRow[];
  /** Over the values of the option `over`; none without it. */
  readonly groups: readonly SweepGroup[];
  /** The same as files; absolute. */
  readonly files: Readonly<{ json: string; csv: string; markdown: string }>;

  /** For the verb that gives it. */
  constructor({ rows, groups, files }: Pick<SweepBook, "rows" | "groups" | "files">) {
    this.rows = rows;
    this.groups = groups;
    this.files = files;
  }

  /** Those that failed; the same sweep in the same folder tries them again. */
  get failed(): SweepRow[] {
    return this.rows.filter(({ ended }) => ended === "failed");
  }

  /** Tables in Markdown. */
  toString(): string {
    return markdownOf(this.rows, this.groups);
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    return {
      "text/markdown": this.toString(),
      "text/plain": this.toString(),
      "text/html": `<pre>${escapeHtml(this.toString())}</pre>`,
    };
  }
}
