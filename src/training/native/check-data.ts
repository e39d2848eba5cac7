import { z } from "zod";
import type { CallOptions } from "../../bridge/request.ts";
import { checkDatasetFiles } from "../../datasets/check.ts";
import { type Dataset, datasetSchema } from "../../datasets/dataset.ts";
import { GlipError, isGlipError } from "../../errors.ts";
import type { Params, Result } from "../../protocol/methods.ts";
import { checkArgument } from "../../protocol/validate.ts";
import { type MediaBundle, type Row, showTable } from "../table.ts";
import { sourceOf } from "./params.ts";

export interface CheckDataOptions {
  /** Open each picture, too. @default false: they are only looked for */
  openPictures?: boolean | undefined;
  /** Gives up. @default none */
  signal?: AbortSignal | undefined;
}

/** One kind of problem, how often it is there, and where for example. */
export interface DataProblem {
  /** E.g. `missing_picture`, `box_outside`, `span_mismatch`, `unanswered_question`. */
  kind: string;
  count: number;
  examples: { where: string; reason: string }[];
}

/** What is in a set, and what is wrong with it. */
export interface CheckedData {
  pictures: number;
  boxes: number;
  /** Phrases of sentences, with boxes. */
  phrases: number;
  questions: number;
  /** What pictures are told as. */
  captions: number;
  /** Names; none for captions. */
  categories: string[];
  problems: DataProblem[];
  /** sha256 of the annotations, hex. */
  fingerprint: string;
}

/** What `checkData` gives. */
export class DataReport {
  /** One for each set, in their order. */
  readonly sets: readonly CheckedData[];

  /** For the verb that gives it. */
  constructor(result: Result<"data.check">) {
    this.sets = result.sources;
  }

  /** Number of all problems: a training with `problems: "fail"` needs 0. */
  get problems(): number {
    return this.sets.flatMap(({ problems }) => problems).reduce((sum, { count }) => sum + count, 0);
  }

  /** How a report shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): MediaBundle {
    return showTable(this.sets.flatMap(rowsOf));
  }
}

function rowsOf({ pictures, boxes, phrases, questions, captions, categories, problems }: CheckedData): Row[] {
  const words = `${phrases} phrases, ${questions} questions, ${captions} captions`;
  return [
    ["pictures", `${pictures}, ${boxes} boxes, ${categories.length} categories, ${words}`],
    ...problems.map(({ kind, count, examples: [first] }): Row => {
      return [kind, first === undefined ? String(count) : `${count}, e.g. ${first.where}: ${first.reason}`];
    }),
  ];
}

/** What checking needs of the handle. */
export interface DataHandle {
  readonly local: boolean;
  call(method: "data.check", params: Params<"data.check">, options?: CallOptions): Promise<Result<"data.check">>;
}

const optionsSchema = z.strictObject({
  openPictures: z.boolean().default(false),
  signal: z.instanceof(AbortSignal).optional(),
}) satisfies z.ZodType<unknown, CheckDataOptions>;

/** @throws GlipError as `Glip.checkData` */
export async function checkData(
  handle: DataHandle,
  data: Dataset | readonly Dataset[],
  options: CheckDataOptions = {},
): Promise<DataReport> {
  const sets = Array.isArray(data)
    ? checkArgument(z.array(datasetSchema).min(1), data, "data")
    : [checkArgument(datasetSchema, data, "data")];
  const { openPictures, signal } = checkArgument(optionsSchema, options, "options");
  if (handle.local) for (const [index, set] of sets.entries()) checkDatasetFiles(set, pathOf(data, index));
  const params = { sources: sets.map(sourceOf), open_pictures: openPictures };
  try {
    return new DataReport(await handle.call("data.check", params, { signal }));
  } catch (error) {
    throw inOwnNames(error, data);
  }
}

/** The worker speaks of sources, the caller gave data. */
function inOwnNames(error: unknown, data: Dataset | readonly Dataset[]): unknown {
  if (!isGlipError(error, "invalid_argument")) return error;
  const path = error.details.path.replace(/^sources\[(\d+)\]/, (_, index: string) => pathOf(data, Number(index)));
  const text = error.message.replace(error.details.path, path);
  return new GlipError("invalid_argument", text, { ...error.details, path }, { cause: error });
}

function pathOf(data: Dataset | readonly Dataset[], index: number): string {
  return Array.isArray(data) ? `data[${index}]` : "data";
}
