import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { z } from "zod";
import { GlipError, messageOf } from "../errors.ts";

/** What a benchmark's run writes into its folder. */
export const benchmarkFiles = {
  run: "run.json",
  predictions: "predictions.jsonl",
  details: "details.json",
  result: "result.json",
} as const;

const figures = z.record(z.string(), z.number().nullable());

const run = z.looseObject({ benchmark: z.string(), model: z.string(), files: z.record(z.string(), z.string()) });

const result = z.looseObject({
  benchmark: z.string(),
  pictures: z.int(),
  problems: z.array(z.looseObject({ kind: z.string(), where: z.string(), reason: z.string() })),
  metrics: figures,
  parts: z.record(z.string(), z.record(z.string(), figures)),
  notes: z.record(z.string(), z.string()).default({}),
  seconds: z.number(),
});

/** `right` and `wrong` were found; `missed` and `true` are the annotators'. */
const verdict = z.enum(["right", "wrong", "missed", "true"]);
export type Verdict = z.output<typeof verdict>;

const box = z.tuple([z.number(), z.number(), z.number(), z.number()]);

const details = z.looseObject({
  /** Precision at 101 recalls from 0 to 1. */
  curves: z.array(z.looseObject({ name: z.string(), precision: z.array(z.number()) })),
  /** What was found right and each kind of error, from the score `threshold` on. */
  counts: z.record(z.string(), z.int()),
  threshold: z.number().nullable(),
  cases: z.array(
    z.looseObject({
      /** `picture`: one with many errors; `error`: one that the model is sure of. */
      kind: z.enum(["picture", "error"]),
      picture: z.string(),
      /** Width and height as the picture is stored, where the annotations say it. */
      size: z.tuple([z.int(), z.int()]).nullable(),
      /** What is wrong. */
      text: z.string(),
      boxes: z.array(z.looseObject({ label: z.string(), box, verdict, score: z.number().nullable() })),
    }),
  ),
});

export type RunDetails = z.output<typeof details>;
export type RunCase = RunDetails["cases"][number];

/** A benchmark's run that has ended, as its folder has it. */
export interface BenchmarkRun extends z.output<typeof result> {
  /** Absolute. */
  output: string;
  name: string;
  /** A sum of what changes the model's answers. */
  model: string;
  /** The benchmark's own, by what it calls them. */
  files: Record<string, string>;
  /** Undefined where the benchmark has none. */
  details: RunDetails | undefined;
}

/** Whether a folder has the run of a benchmark, ended or not. */
export function isBenchmarkRun(folder: string): boolean {
  return [benchmarkFiles.run, benchmarkFiles.predictions].every((name) => existsSync(join(folder, name)));
}

/** @throws GlipError `file_error` when the folder has no run of a benchmark that has ended */
export async function readBenchmarkRun(folder: string): Promise<BenchmarkRun> {
  const output = resolve(folder);
  if (!isBenchmarkRun(output)) throw unreadable(output, "there is no run of a benchmark");
  const started = await read(output, benchmarkFiles.run, run);
  if (!existsSync(join(output, benchmarkFiles.result)))
    throw unreadable(output, `its run has not ended; evaluate ${started.benchmark} again with resume`);
  const hasDetails = existsSync(join(output, benchmarkFiles.details));
  return {
    ...(await read(output, benchmarkFiles.result, result)),
    output,
    name: basename(output),
    model: started.model,
    files: started.files,
    details: hasDetails ? await read(output, benchmarkFiles.details, details) : undefined,
  };
}

async function read<T>(folder: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = join(folder, name);
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (cause) {
    const reason = cause instanceof z.ZodError ? z.prettifyError(cause) : messageOf(cause);
    throw unreadable(file, reason, cause);
  }
}

export function unreadable(path: string, reason: string, cause?: unknown): GlipError<"file_error"> {
  return new GlipError("file_error", `Cannot read ${path}: ${reason}`, { path, reason }, { cause });
}
