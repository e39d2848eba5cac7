import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { pythonSource } from "../environment/home.ts";

const setting = z.enum(["zero-shot", "pre-trained", "fine-tuned"]);

/** `pre-trained`: the benchmark's training pictures are in the pre-training; nothing was fine-tuned after. */
export type PublishedSetting = z.output<typeof setting>;

const content = z.strictObject({
  sources: z.record(z.string(), z.strictObject({ text: z.string(), url: z.string() })),
  rows: z.array(
    z.strictObject({
      benchmark: z.string(),
      model: z.string(),
      setting,
      figures: z.record(z.string(), z.number()),
      source: z.string(),
      note: z.string().default(""),
    }),
  ),
});

/** Figures of a model as they were published. */
export interface PublishedRow {
  model: string;
  /** Such as `coco/val2017`, `lvis/minival`, `odinw13`, `flickr30k/test`, `refcoco+/testA`. */
  benchmark: string;
  setting: PublishedSetting;
  /** Parts of 100, by their names there, such as `AP`. */
  figures: Readonly<Record<string, number>>;
  /** Where it stands. */
  source: { text: string; url: string };
  /** How it was measured, where that is not as usual; or empty. */
  note: string;
}

let rows: PublishedRow[] | undefined;

/**
 * Figures of GLIP, GLIPv2 and their peers, each with where it stands.
 * @param benchmark one of those in the rows, or what it starts with (`lvis`). Default: all
 */
export function publishedFigures(benchmark?: string): PublishedRow[] {
  rows ??= read();
  return rows.filter((row) => benchmark === undefined || `${row.benchmark}/`.startsWith(`${benchmark}/`));
}

/** The Python side reads the same file. */
function read(): PublishedRow[] {
  const file = join(pythonSource, "glipv2", "scoring", "published.json");
  const { sources, rows } = content.parse(JSON.parse(readFileSync(file, "utf8")));
  return rows.map((row) => ({ ...row, source: sources[row.source] as PublishedRow["source"] }));
}
