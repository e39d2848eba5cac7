import { existsSync, lstatSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";

import { glipHome } from "../home.ts";
import { acquireSetupLock } from "../setup-lock.ts";
import { digestFile } from "./digest.ts";
import { mismatch } from "./failures.ts";
import type { PullProgress } from "./meter.ts";
import { Part } from "./part.ts";
import { listRecords, readRecord, removeRecord, type WeightsRecord } from "./record.ts";
import { resolveWeights } from "./resolve.ts";
import { weightsDirectory, weightsFile } from "./target.ts";
import { zoo, type ZooEntry, zooEntry } from "./zoo.ts";

export interface ListedWeights {
  name: string;
  /** The zoo's entry; undefined for what was pulled by its address. */
  entry: ZooEntry | undefined;
  /** `present`; `partial`, a download that can be continued; `absent`; `unavailable`, published nowhere any more. */
  state: "present" | "partial" | "absent" | "unavailable";
  path: string;
  /** Bytes that are here. */
  size: number;
  record: WeightsRecord | undefined;
}

/** Everything of the zoo, and everything else that was pulled. */
export function listWeights(options: { home?: string | undefined } = {}): ListedWeights[] {
  const home = glipHome(options.home);
  const own = listRecords(home).filter(({ name }) => zooEntry(name) === undefined);
  const files = [...zoo, ...own.map(({ name, file }) => ({ name, file }))];
  return files.map(({ name, file }) => {
    const path = join(weightsDirectory(home), file);
    const entry = zooEntry(name);
    const [whole, part] = [sizeOf(path), sizeOf(new Part(path).path)];
    const without = entry?.unavailable === undefined ? "absent" : "unavailable";
    const state = whole !== undefined ? "present" : part !== undefined ? "partial" : without;
    return { name, entry, state, path, size: whole ?? part ?? 0, record: readRecord(home, name) };
  });
}

/**
 * Reads a weight file through and compares it with the zoo's sum, else with what was recorded when it came. Throws
 * `weights_missing` and `weights_mismatch`.
 */
export async function verifyWeights(
  name: string,
  options: {
    home?: string | undefined;
    signal?: AbortSignal | undefined;
    onProgress?: ((progress: PullProgress) => void) | undefined;
  } = {},
): Promise<{ name: string; path: string; size: number; sha256: string; comparedWith: WeightsRecord["source"] | null }> {
  const home = glipHome(options.home);
  const path = resolveWeights(name, { home });
  const facts = await digestFile(path, options);
  const record = readRecord(home, name);
  const published = zooEntry(name)?.sha256 ?? undefined;
  const expected = published ?? record?.sha256;
  if (expected !== undefined && facts.sha256 !== expected) {
    const wrong = { field: "sha256", expected, received: facts.sha256 } as const;
    throw mismatch(path, wrong, `Run \`npx glip weights pull ${name}\`: it replaces the file.`);
  }
  return { name, path, ...facts, comparedWith: published === undefined ? (record?.source ?? null) : "zoo" };
}

/** Removes a weight file, what is known of it, and what a broken download left. False when there was nothing. */
export async function removeWeights(
  name: string,
  options: { home?: string | undefined; signal?: AbortSignal | undefined } = {},
): Promise<boolean> {
  const home = glipHome(options.home);
  const record = readRecord(home, name);
  const file = record?.file ?? weightsFile(name);
  const path = join(weightsDirectory(home), file);
  if (!existsSync(weightsDirectory(home))) return false;
  const lock = await acquireSetupLock(`${path}.lock`, { signal: options.signal, purpose: "glip weights pull" });
  try {
    const part = new Part(path);
    const found = [path, part.path, `${part.path}.json`].some((each) => lstatSync(each, { throwIfNoEntry: false }));
    for (const each of [path, `${path}.copy`]) rmSync(each, { force: true });
    part.discard();
    removeRecord(home, name);
    return found || record !== undefined;
  } finally {
    lock.release();
  }
}

function sizeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.size;
}
