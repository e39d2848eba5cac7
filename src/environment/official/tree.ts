import { createHash } from "node:crypto";
import { type BigIntStats, existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import type { OfficialManifest } from "./manifest.ts";

/** What Python would import, and what could therefore change the official code without touching a file of it. */
const IMPORTABLE = /\.(py|pyc|pyo|so|pyd)$/;
/** A compiled extension of the user's own is never loaded: the compatibility layer takes its place. */
const OWN_EXTENSION = /^maskrcnn_benchmark\/_C\.[^/]*(so|pyd)$/;
/** Folders that hold no code of the tree, wherever they lie. */
const IGNORED_ANYWHERE = new Set([".git", "__pycache__"]);
/** What the official scripts, and building them, put into the checkout. */
const IGNORED_AT_TOP = /^(OUTPUT|DATASET|MODEL|data|build|dist|\.venv|venv|.*\.egg-info)$/;

/** How a folder differs from the manifest. All paths are relative, with slashes, sorted. */
export interface TreeDifferences {
  changed: string[];
  missing: string[];
  /** Importable files that do not belong to the tree. */
  extra: string[];
}

/** The manifest's files that exist, and everything importable beside them: what the comparison depends on. */
export interface TreeListing {
  present: string[];
  missing: string[];
  extra: string[];
  /** Changes when any of it may have changed: names, sizes, times. */
  fingerprint: string;
  /** When the youngest of the files changed, in milliseconds since 1970. */
  newestMs: number;
}

/** Looks at names, sizes and times of the tree; reads no file (a few milliseconds). */
export function listTree(directory: string, manifest: OfficialManifest): TreeListing {
  const hash = createHash("sha256").update(manifest.commit);
  const listing: TreeListing = {
    present: [],
    missing: [],
    extra: extraFiles(directory, manifest),
    fingerprint: "",
    newestMs: 0,
  };
  for (const path of Object.keys(manifest.files).sort()) {
    const stats = fileStats(join(directory, path));
    if (stats === undefined) {
      listing.missing.push(path);
      continue;
    }
    listing.present.push(path);
    listing.newestMs = Math.max(listing.newestMs, Number(stats.ctimeNs / 1_000_000n));
    hash.update(`${path}\0${manifest.files[path]}\0${stats.size}\0${stats.mtimeNs}\0${stats.ctimeNs}\0${stats.ino}\n`);
  }
  listing.fingerprint = hash.update(JSON.stringify([listing.missing, listing.extra])).digest("hex");
  return listing;
}

/** Reads and compares every file. Line endings do not count: git may have turned them into those of Windows. */
export function compareTree(directory: string, manifest: OfficialManifest, listing: TreeListing): TreeDifferences {
  const changed = listing.present.filter((path) => !fits(readFileSync(join(directory, path)), manifest.files[path]));
  return { changed, missing: listing.missing, extra: listing.extra };
}

function fits(content: Buffer, expected: string | undefined): boolean {
  const sum = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
  if (sum(content) === expected) return true;
  const text = content.toString("latin1");
  return text.includes("\r\n") && sum(Buffer.from(text.replaceAll("\r\n", "\n"), "latin1")) === expected;
}

function fileStats(path: string): BigIntStats | undefined {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFile() ? stats : undefined;
}

function extraFiles(directory: string, manifest: OfficialManifest): string[] {
  const extra: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(directory, folder), { withFileTypes: true })) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (IGNORED_ANYWHERE.has(entry.name) || (folder === "" && IGNORED_AT_TOP.test(entry.name))) continue;
      if (entry.isDirectory()) walk(path);
      else if (path in manifest.files || OWN_EXTENSION.test(path)) continue;
      else if (IMPORTABLE.test(path) || (entry.isSymbolicLink() && isFolder(join(directory, path)))) extra.push(path);
    }
  };
  if (existsSync(directory)) walk("");
  return extra.sort();
}

/** A linked folder is not walked: it may lead anywhere, in circles too. It counts as extra as a whole. */
function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
