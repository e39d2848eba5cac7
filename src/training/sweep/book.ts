import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { GlipError, messageOf } from "../../errors.ts";
import { runFiles } from "../folder/files.ts";
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

const values = z.record(z.string(), z.unknown());
const bookSchema = z.strictObject({ settings: values.optional(), runs: values, rows: z.array(rowSchema) });
type Book = z.output<typeof bookSchema>;

/** What a sweep is. */
interface SweepPlan {
  runs: readonly PlannedRun[];
  over: string | undefined;
  /** What all runs share. */
  settings: Readonly<Record<string, unknown>> | undefined;
}

/** What a sweep has found out so far, kept in its folder as JSON, CSV and Markdown. */
export class SweepBook {
  readonly files: { json: string; csv: string; markdown: string };
  readonly #plan: SweepPlan;
  readonly #rows: Map<string, SweepRow>;
  /** Several runs may end at once, and each writes all files. */
  #writing: Promise<void> = Promise.resolve();

  private constructor(folder: string, plan: SweepPlan, rows: SweepRow[]) {
    const file = (name: string): string => join(folder, name);
    this.files = { json: file("sweep.json"), csv: file("sweep.csv"), markdown: file("sweep.md") };
    this.#plan = plan;
    this.#rows = new Map(rows.map((row) => [row.name, row]));
  }

  /** @throws GlipError `invalid_argument` when the folder has another sweep, `file_error` */
  static async open(folder: string, plan: SweepPlan): Promise<SweepBook> {
    const path = join(folder, "sweep.json");
    try {
      await mkdir(folder, { recursive: true });
      const content = await readFile(path, "utf8").catch(missing);
      const before = content === undefined ? undefined : bookSchema.parse(JSON.parse(content));
      if (before !== undefined) {
        await checkSettings(before, plan, folder);
        checkRuns(before, plan, folder);
      }
      const rows = before?.rows.filter(({ name }) => plan.runs.some((run) => run.name === name)) ?? [];
      const book = new SweepBook(folder, plan, rows);
      // A run that is interrupted leaves no row, yet a checkpoint of these settings.
      if (!isSame(before?.settings, plan.settings)) await book.#write();
      return book;
    } catch (cause) {
      if (cause instanceof GlipError) throw cause;
      const reason = messageOf(cause);
      throw new GlipError("file_error", `Cannot use ${path}: ${reason}`, { path, reason }, { cause });
    }
  }

  /** In the order of the plan; those that have not ended yet are left out. */
  get rows(): SweepRow[] {
    return this.#plan.runs.flatMap(({ name }) => this.#rows.get(name) ?? []);
  }

  get groups() {
    const { over } = this.#plan;
    return over === undefined ? [] : groupRows(this.rows, over);
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
    const { settings } = this.#plan;
    const runs = Object.fromEntries(this.#plan.runs.map(({ name, point }) => [name, point]));
    await replace(this.files.json, `${JSON.stringify({ settings, runs, rows }, null, 2)}\n`);
    await replace(this.files.csv, csvOf(rows));
    await replace(this.files.markdown, markdownOf(rows, groups));
  }
}

/** A run of the same name must be the same: its folder has been trained in. */
function checkRuns({ runs: before }: Book, { runs }: SweepPlan, folder: string): void {
  for (const { name, point } of runs) {
    const other = before[name];
    if (other !== undefined && !isSame(other, point))
      throw otherSweep(`${folder}, where ${name} is ${JSON.stringify(other)}`, JSON.stringify(point));
  }
}

/** Settings may be mended until something is trained. A book of an earlier version has none. */
async function checkSettings(book: Book, { settings = {} }: SweepPlan, folder: string): Promise<void> {
  const { settings: before } = book;
  if (before === undefined || isSame(before, settings) || !(await isBegun(book, folder))) return;
  const names = Object.keys({ ...before, ...settings }).filter((name) => !isSame(before[name], settings[name]));
  const some = (all: Readonly<Record<string, unknown>>): string =>
    JSON.stringify(Object.fromEntries(names.map((name) => [name, all[name]])));
  throw otherSweep(`${folder}, whose runs have ${some(before)}`, some(settings));
}

async function isBegun({ rows }: Book, folder: string): Promise<boolean> {
  if (rows.some(({ ended }) => ended !== "failed")) return true;
  return (await readdir(folder)).some((name) => existsSync(join(folder, name, runFiles.events)));
}

/** As JSON has it; keys may be in another order. */
function isSame(kept: unknown, given: unknown): boolean {
  return isDeepStrictEqual(kept, given && JSON.parse(JSON.stringify(given)));
}

function otherSweep(place: string, received: string): GlipError<"invalid_argument"> {
  const expected = `another folder than ${place}`;
  const details = { path: "options.output", expected, received };
  return new GlipError("invalid_argument", `options.output: expected ${expected}, got ${received}`, details);
}

async function replace(path: string, content: string): Promise<void> {
  await writeFile(`${path}.part`, content);
  await rename(`${path}.part`, path);
}

function missing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}
