import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { GlipError, messageOf } from "../../errors.ts";
import type { PlannedRun } from "./points.ts";
import { groupRows, type SweepRow } from "./rows.ts";
import { csvOf, markdownOf } from "./tables.ts";

const rowSchema = z.strictObject({
  name: z.string(),
  output: z.string(),
  labels: z.record(z.string(), z.string()),
  ended: z.enum(["completed", "plateau", "stopped", "failed"]),
  steps: z.number().nullable(),
  seconds: z.number().nullable(),
  checkpoint: z.string().nullable(),
  metrics: z.record(z.string(), z.number().nullable()),
  error: z.strictObject({ code: z.string(), message: z.string() }).nullable(),
}) satisfies z.ZodType<SweepRow>;

const bookSchema = z.strictObject({ runs: z.record(z.string(), z.unknown()), rows: z.array(rowSchema) });

/** What a sweep has found out so far, kept in its folder as JSON, CSV and Markdown. */
export class SweepBook {
  readonly files: { json: string; csv: string; markdown: string };
  readonly #runs: readonly PlannedRun[];
  readonly #over: string | undefined;
  readonly #rows: Map<string, SweepRow>;
  /** Several runs may end at once, and each writes all files. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, runs: readonly PlannedRun[], over: string | undefined, rows: SweepRow[]) {
    const file = (name: string): string => join(folder, name);
    this.files = { json: file("sweep.json"), csv: file("sweep.csv"), markdown: file("sweep.md") };
    this.#runs = runs;
    this.#over = over;
    this.#rows = new Map(rows.map((row) => [row.name, row]));
  }

  /** @throws GlipError `invalid_argument` when the folder has another sweep, `file_error` */
  static async open(folder: string, runs: readonly PlannedRun[], over: string | undefined): Promise<SweepBook> {
    const path = join(folder, "sweep.json");
    try {
      await mkdir(folder, { recursive: true });
      const content = await readFile(path, "utf8").catch(missing);
      const before = content === undefined ? undefined : bookSchema.parse(JSON.parse(content));
      if (before !== undefined) checkSame(before.runs, runs, folder);
      const rows = before?.rows.filter(({ name }) => runs.some((run) => run.name === name)) ?? [];
      return new SweepBook(folder, runs, over, rows);
    } catch (cause) {
      if (cause instanceof GlipError) throw cause;
      const reason = messageOf(cause);
      throw new GlipError("file_error", `Cannot use ${path}: ${reason}`, { path, reason }, { cause });
    }
  }

  /** In the order of the plan; those that have not ended yet are left out. */
  get rows(): SweepRow[] {
    return this.#runs.flatMap(({ name }) => this.#rows.get(name) ?? []);
  }

  get groups() {
    return this.#over === undefined ? [] : groupRows(this.rows, this.#over);
  }

  /** Whether there is nothing left to do for a run. */
  isDone(name: string): boolean {
    const ended = this.#rows.get(name)?.ended;
    return ended === "completed" || ended === "plateau";
  }

  async add(row: SweepRow): Promise<void> {
    this.#rows.set(row.name, row);
    this.#writing = this.#writing.then(() => this.#write());
    await this.#writing;
  }

  async #write(): Promise<void> {
    const { rows, groups } = this;
    const runs = Object.fromEntries(this.#runs.map(({ name, point }) => [name, point]));
    await replace(this.files.json, `${JSON.stringify({ runs, rows }, null, 2)}\n`);
    await replace(this.files.csv, csvOf(rows));
    await replace(this.files.markdown, markdownOf(rows, groups));
  }
}

/** A run of the same name must be the same: its folder has been trained in. */
function checkSame(before: Record<string, unknown>, runs: readonly PlannedRun[], folder: string): void {
  for (const { name, point } of runs) {
    const other = before[name];
    if (other === undefined || JSON.stringify(other) === JSON.stringify(point)) continue;
    const expected = `another folder than ${folder}, where ${name} is ${JSON.stringify(other)}`;
    const received = JSON.stringify(point);
    const details = { path: "options.output", expected, received };
    throw new GlipError("invalid_argument", `options.output: expected ${expected}, got ${received}`, details);
  }
}

async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
