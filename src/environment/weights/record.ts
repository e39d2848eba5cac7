import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { weightsDirectory } from "./target.ts";

const schema = z.object({
  name: z.string(),
  file: z.string(),
  /** Where it came from: an address, or a path of this machine. */
  origin: z.string(),
  size: z.int().nonnegative(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  /**
   * What vouches for the sum: `zoo`, our own table; `host`, the server that gave the file out, which sent its sum along;
   * `first-use`, nothing but that it was this the first time.
   */
  source: z.enum(["zoo", "host", "first-use"]),
  recordedAt: z.string(),
});

/** What is known of a weight file that was checked when it came. */
export type WeightsRecord = z.infer<typeof schema>;

const fileOf = (home: string, name: string): string => join(weightsDirectory(home), `${name}.json`);

/** The record of `name`; undefined when there is none, or none that can be read. */
export function readRecord(home: string, name: string): WeightsRecord | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(fileOf(home, name), "utf8")));
  } catch {
    return undefined;
  }
}

/** Writes a record in one step. Its folder exists. */
export function writeRecord(home: string, record: WeightsRecord): void {
  const path = fileOf(home, record.name);
  const draft = `${path}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`, { flush: true });
  renameSync(draft, path);
}

export function removeRecord(home: string, name: string): void {
  rmSync(fileOf(home, name), { force: true });
}

/** All records, by name. */
export function listRecords(home: string): WeightsRecord[] {
  let names: string[] = [];
  try {
    names = readdirSync(weightsDirectory(home));
  } catch {
    // no such folder: no records
  }
  return names
    .flatMap((name) => (name.endsWith(".json") ? [readRecord(home, name.slice(0, -".json".length))] : []))
    .flatMap((record) => (record ? [record] : []))
    .sort((a, b) => a.name.localeCompare(b.name));
}
