import { createReadStream } from "node:fs";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { z } from "zod";
import { throwIfCancelled } from "../environment/cancelled.ts";
import { GlipError, messageOf } from "../errors.ts";
import { text } from "../protocol/fields.ts";
import { checkArgument } from "../protocol/validate.ts";
import { type PredictionLine, type ResultFormat, resultFormats, resultForms } from "./result-forms.ts";
import { benchmarkFiles, isBenchmarkRun, unreadable } from "./run-folder.ts";

export interface ExportResultsOptions {
  /**
   * `coco`: COCO's and LVIS's results; `odinw`: ODinW's submission to EvalAI, without shots or with all, by the
   * official names of the sets; `vqa` and `captions`: the result files of these servers. @default what the run's are
   */
  format?: ResultFormat | undefined;
  /** Of `coco`: boxes, masks, or both in one row. @default "bbox" */
  part?: "bbox" | "segmentation" | "both" | undefined;
  /** Where to. @default `results.FORMAT.json` in the run's folder */
  file?: string | undefined;
  /** @default none */
  signal?: AbortSignal | undefined;
}

export interface ExportedResults {
  format: ResultFormat;
  /** Absolute. */
  file: string;
  /** Lines of predictions, a picture each. */
  pictures: number;
  rows: number;
}

const schema = z.strictObject({
  format: z.enum(resultFormats).optional(),
  part: z.enum(["bbox", "segmentation", "both"]).default("bbox"),
  file: text.min(1).optional(),
  signal: z.instanceof(AbortSignal).optional(),
}) satisfies z.ZodType<unknown, ExportResultsOptions>;

/**
 * Writes the predictions of a benchmark's run as other programs read them, a picture at a time; the run may still be
 * going on.
 * @param run its folder
 * @example await exportResults("runs/coco", { file: "detections_val2017_glip_results.json" })
 * @throws GlipError `invalid_argument` when the run has no such results; `file_error`, `cancelled`
 */
export async function exportResults(run: string, options: ExportResultsOptions = {}): Promise<ExportedResults> {
  const { part, signal, ...chosen } = checkArgument(schema, options, "options");
  const folder = resolve(checkArgument(text.min(1), run, "run"));
  if (!isBenchmarkRun(folder)) throw unreadable(folder, "there is no run of a benchmark");
  const lines = join(folder, benchmarkFiles.predictions);
  const first = await firstOf(lines);
  const format = chosen.format ?? resultFormats.find((name) => first !== undefined && fits(name, first));
  if (format === undefined || (first !== undefined && !fits(format, first)))
    throw cannot("options.format", first === undefined ? "a run with predictions" : "a format of the run's", format);
  if (part !== "bbox" && (format !== "coco" || !("masks" in (first ?? {}))))
    throw cannot("options.part", "bbox, for the run has no masks", part);
  const file = resolve(chosen.file ?? join(folder, `results.${format}.json`));
  const form = resultForms[format];
  const written = await whole(file, (to) =>
    form.group === undefined
      ? writeList(to, read(lines, signal), (line) => form.rows(line, part))
      : writeGroups(to, lines, form.group, (line) => form.rows(line, part), signal),
  );
  return { format, file, ...written };
}

/** ODinW's lines fit COCO's form too, and their pictures' numbers would not be told apart. */
function fits(format: ResultFormat, line: PredictionLine): boolean {
  return Object.entries(resultForms).find(([, form]) => form.fits(line))?.[0] === format;
}

interface Written {
  pictures: number;
  rows: number;
}

async function writeList(
  to: FileHandle,
  lines: AsyncIterable<PredictionLine>,
  rowsOf: (line: PredictionLine) => object[],
): Promise<Written> {
  let [pictures, rows] = [0, 0];
  await to.write("[");
  for await (const line of lines) {
    pictures++;
    const texts = rowsIn(line, rowsOf).map((row) => `\n${JSON.stringify(row)}`);
    if (texts.length === 0) continue;
    await to.write((rows > 0 ? "," : "") + texts.join(","));
    rows += texts.length;
  }
  await to.write(rows > 0 ? "\n]" : "]");
  return { pictures, rows };
}

function rowsIn(line: PredictionLine, rowsOf: (line: PredictionLine) => object[]): object[] {
  try {
    return rowsOf(line);
  } catch (cause) {
    throw new Error(`the prediction of ${JSON.stringify(line["id"])} is none of this form`, { cause });
  }
}

/** Reads the lines once for each group: they may stand in any order, and are not held. */
async function writeGroups(
  to: FileHandle,
  file: string,
  groupOf: (line: PredictionLine) => string,
  rowsOf: (line: PredictionLine) => object[],
  signal: AbortSignal | undefined,
): Promise<Written> {
  const groups = new Set<string>();
  for await (const line of read(file, signal)) groups.add(groupOf(line));
  const sum = { pictures: 0, rows: 0 };
  await to.write("{");
  for (const [place, group] of [...groups].entries()) {
    await to.write(`${place > 0 ? "," : ""}\n${JSON.stringify(group)}: `);
    const { pictures, rows } = await writeList(to, only(read(file, signal), group, groupOf), rowsOf);
    sum.pictures += pictures;
    sum.rows += rows;
  }
  await to.write("\n}");
  return sum;
}

async function* only(
  lines: AsyncIterable<PredictionLine>,
  group: string,
  groupOf: (line: PredictionLine) => string,
): AsyncGenerator<PredictionLine> {
  for await (const line of lines) if (groupOf(line) === group) yield line;
}

async function firstOf(file: string): Promise<PredictionLine | undefined> {
  for await (const line of read(file, undefined)) return line;
  return undefined;
}

/** Lines that are none, as a run that was killed leaves one, are left out. */
async function* read(file: string, signal: AbortSignal | undefined): AsyncGenerator<PredictionLine> {
  const stream = createReadStream(file, "utf8");
  try {
    for await (const text of createInterface({ input: stream, crlfDelay: Infinity })) {
      throwIfCancelled(signal);
      const line = parsed(text);
      if (line !== undefined) yield line;
    }
  } finally {
    stream.destroy();
  }
}

function parsed(text: string): PredictionLine | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "id" in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** It gets its name when it is whole. */
async function whole(file: string, write: (to: FileHandle) => Promise<Written>): Promise<Written> {
  const part = `${file}.part`;
  try {
    const written = await into(part, write);
    await rename(part, file);
    return written;
  } catch (cause) {
    await rm(part, { force: true });
    if (cause instanceof GlipError) throw cause;
    const reason = messageOf(cause);
    throw new GlipError("file_error", `Cannot write the results: ${reason}`, { path: file, reason }, { cause });
  }
}

async function into(file: string, write: (to: FileHandle) => Promise<Written>): Promise<Written> {
  await using to = await open(file, "w");
  const written = await write(to);
  await to.write("\n");
  return written;
}

function cannot(path: string, expected: string, received = "none"): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
