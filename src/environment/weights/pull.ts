import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

import { GlipError } from "../../errors.ts";
import { glipHome } from "../home.ts";
import { acquireSetupLock } from "../setup-lock.ts";
import { bringFile } from "./copy.ts";
import { digestFile } from "./digest.ts";
import { download, type DownloadOptions } from "./download.ts";
import { mismatch, unavailable } from "./failures.ts";
import { readRecord, type WeightsRecord, writeRecord } from "./record.ts";
import { type WeightsTarget, weightsDirectory, weightsTarget } from "./target.ts";

export interface PullOptions extends DownloadOptions {
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** A file that you have, instead of a download; checked in the same way. */
  from?: string | undefined;
  /** With `from`: refer to that file instead of copying it. @default false */
  link?: boolean | undefined;
}

export interface PulledWeights {
  name: string;
  path: string;
  size: number;
  sha256: string;
  /** What vouches for the sum; see `WeightsRecord`. */
  source: WeightsRecord["source"];
  /** False when it was there already. */
  changed: boolean;
}

interface Expected {
  size: number | null;
  sha256: string | null;
  source: WeightsRecord["source"];
}

/**
 * Sees to it that weights are on this machine: a name of the zoo, or the address of a file. A download is resumed where
 * an earlier one stopped; under its final name a file appears whole and checked, or not at all. Size and sha256 are those
 * of the zoo, else what was recorded before, else what the host sends along; where there is none of it, the sum is
 * recorded, and later pulls compare with that. Two at once take turns. Throws `download_failed`, `weights_mismatch`,
 * `disk_full`, `unsupported` (published nowhere any more), `invalid_argument`, `file_error` and `cancelled`.
 */
export async function pullWeights(source: string, options: PullOptions = {}): Promise<PulledWeights> {
  const home = glipHome(options.home);
  const target = weightsTarget(source);
  const directory = weightsDirectory(home);
  const path = join(directory, target.file);
  mkdirSync(directory, { recursive: true });
  const lock = await acquireSetupLock(`${path}.lock`, {
    signal: options.signal,
    purpose: "glip weights pull",
    onWait: (holder) => options.onMessage?.(`Waiting: ${holder}.`),
  });
  try {
    const record = readRecord(home, target.name);
    if (record !== undefined) refuseNamesake(target, record);
    const expected = expectedOf(target, record);
    const there = existsSync(path) ? await digestFile(path, options) : undefined;
    if (there !== undefined && wrongFact(there, expected) === undefined) {
      const kept = record ?? remember(home, target, path, there, expected.source, options);
      return { name: target.name, path, ...there, source: kept.source, changed: false };
    }
    if (there !== undefined) options.onMessage?.(`${path} is not what it was; it is replaced.`);
    const { origin, size, sha256, source: vouches, place } = await bring(target, path, expected, options);
    // First the record: should this process die in between, the next one compares with it and carries on.
    const next = remember(home, target, origin, { size, sha256 }, vouches, options);
    place();
    return { name: target.name, path, size, sha256, source: next.source, changed: true };
  } finally {
    lock.release();
  }
}

interface Came {
  origin: string;
  size: number;
  sha256: string;
  source: WeightsRecord["source"];
  /** Gives the checked file its final name. */
  place: () => void;
}

/** Brings the file to the same disk, and checks it. */
async function bring(target: WeightsTarget, path: string, expected: Expected, options: PullOptions): Promise<Came> {
  if (options.from !== undefined) {
    const draft = `${path}.copy`;
    await bringFile(options.from, draft, options);
    const origin = resolve(options.from);
    const facts = await checked(draft, origin, expected, options, () => rmSync(draft, { force: true }));
    return { origin, ...facts, source: expected.source, place: () => renameSync(draft, path) };
  }
  if (target.url === null) throw unavailable(target);
  const { part, state } = await download(target.url, path, expected, options);
  const full: Expected =
    expected.sha256 === null && state.sha256 !== null
      ? { ...expected, sha256: state.sha256, source: "host" }
      : expected;
  const facts = await checked(part.path, target.url, full, options, () => part.discard());
  return { origin: target.url, ...facts, source: full.source, place: () => part.finish(path) };
}

async function checked(
  draft: string,
  origin: string,
  expected: Expected,
  options: PullOptions,
  discard: () => void,
): Promise<{ size: number; sha256: string }> {
  const facts = await digestFile(draft, options);
  const wrong = wrongFact(facts, expected);
  if (wrong === undefined) return facts;
  discard();
  throw mismatch(
    origin,
    wrong,
    "It was not kept: pull again. If this file is the right one and what was recorded before is not: `npx glip weights remove NAME` first.",
  );
}

/** Two addresses may end with the same file name: one of them would be taken for the other. */
function refuseNamesake({ name, file, url }: WeightsTarget, { origin }: WeightsRecord): void {
  if (name !== file || url === null || origin === url || !/^https?:/.test(origin)) return;
  const path = "source";
  const expected = `${origin}, which ${name} was pulled from (\`npx glip weights remove ${name}\` forgets it)`;
  const message = `${path}: expected ${expected}, got ${url}`;
  throw new GlipError("invalid_argument", message, { path, expected, received: url });
}

function expectedOf(target: WeightsTarget, record: WeightsRecord | undefined): Expected {
  if (target.sha256 !== null) return { size: target.size, sha256: target.sha256, source: "zoo" };
  if (record !== undefined) return { size: record.size, sha256: record.sha256, source: record.source };
  return { size: target.size, sha256: null, source: "first-use" };
}

function wrongFact(
  { size, sha256 }: { size: number; sha256: string },
  expected: Expected,
): { field: "size" | "sha256"; expected: string; received: string } | undefined {
  if (expected.size !== null && size !== expected.size)
    return { field: "size", expected: String(expected.size), received: String(size) };
  if (expected.sha256 !== null && sha256 !== expected.sha256)
    return { field: "sha256", expected: expected.sha256, received: sha256 };
  return undefined;
}

function remember(
  home: string,
  { name, file }: WeightsTarget,
  origin: string,
  { size, sha256 }: { size: number; sha256: string },
  source: WeightsRecord["source"],
  { onMessage }: PullOptions,
): WeightsRecord {
  const record = { name, file, origin, size, sha256, source, recordedAt: new Date().toISOString() };
  writeRecord(home, record);
  if (source === "first-use")
    onMessage?.(`No sha256 is published for ${file}. Recorded ${sha256}; from now on it is compared with that.`);
  return record;
}
