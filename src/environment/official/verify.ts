import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

import { z } from "zod";

import { GlipError } from "../../errors.ts";
import { type OfficialManifest, readOfficialManifest } from "./manifest.ts";
import { compareTree, listTree, type TreeDifferences } from "./tree.ts";

/** How many names of each kind an error message shows; `details` hold them all. */
const SHOWN = 5;
/** A file as young as this could change again without its times showing it. */
const SETTLED_MS = 100;

const stampSchema = z.object({
  fingerprint: z.string(),
  changed: z.array(z.string()),
});

export interface VerifyOptions {
  /** Accept a changed tree, and only report how it differs. @default false */
  allowModified?: boolean | undefined;
  /** @default the manifest that this package ships */
  manifest?: OfficialManifest | undefined;
  /**
   * Where the outcome is remembered. With it, files are read only when a name, a size or a time differs from the last
   * time; without it, always.
   */
  stamps?: string | undefined;
}

/**
 * Compares a checkout with the manifest, file by file. Changed and missing files count, and importable files that do
 * not belong to it; caches, outputs, data and weights do not. Throws `official_missing` when the directory is no
 * checkout at all, and `official_modified`, which names the files, unless `allowModified` is set.
 */
export function verifyOfficial(directory: string, options: VerifyOptions = {}): TreeDifferences {
  const manifest = options.manifest ?? readOfficialManifest();
  if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory())
    throw notACheckout(directory, `there is no folder ${directory}`);
  const listing = listTree(directory, manifest);
  if (listing.present.length === 0) throw notACheckout(directory, `${directory} holds none of its files`);
  const stamp = options.stamps === undefined ? undefined : stampFile(options.stamps, directory);
  const known = stamp === undefined ? undefined : readStamp(stamp, listing.fingerprint);
  const differences: TreeDifferences = known
    ? { changed: known, missing: listing.missing, extra: listing.extra }
    : compareTree(directory, manifest, listing);
  if (stamp !== undefined && known === undefined && Date.now() - listing.newestMs > SETTLED_MS)
    writeStamp(stamp, { fingerprint: listing.fingerprint, changed: differences.changed });
  if (modifiedFiles(differences).length > 0 && !options.allowModified) throw modified(directory, manifest, differences);
  return differences;
}

/** All names in which a tree differs, sorted. */
export function modifiedFiles({ changed, missing, extra }: TreeDifferences): string[] {
  return [...changed, ...missing, ...extra].sort();
}

function modified(directory: string, { commit }: OfficialManifest, differences: TreeDifferences): GlipError {
  const { changed, missing, extra } = differences;
  const parts = [
    ["changed", changed],
    ["missing", missing],
    ["extra", extra],
  ] as const;
  const facts = parts.flatMap(([kind, names]) => (names.length === 0 ? [] : [`${kind}: ${shown(names)}`]));
  const message =
    `The official checkout in ${directory} is not commit ${commit.slice(0, 12)} as it was published (${facts.join("; ")}). ` +
    "Restore these files (`git status` there shows them; remove the extra ones), or delete the folder and run " +
    "`npx glip setup --official`; to use it as it is, add --allow-modified.";
  return new GlipError("official_modified", message, { directory, ...differences });
}

function shown(names: string[]): string {
  const rest = names.length - SHOWN;
  return names.slice(0, SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function notACheckout(path: string, reason: string): GlipError {
  const message =
    `No microsoft/GLIP checkout: ${reason}. Only the official engine needs it. Run \`npx glip setup --official\`, ` +
    "or name one that you have: `npx glip setup --official DIR`, or GLIP_OFFICIAL_REPO=DIR.";
  return new GlipError("official_missing", message, { path, reason });
}

function stampFile(stamps: string, directory: string): string {
  return join(stamps, `${createHash("sha256").update(realpathSync(directory)).digest("hex").slice(0, 12)}.json`);
}

function readStamp(path: string, fingerprint: string): string[] | undefined {
  try {
    const stamp = stampSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    return stamp.fingerprint === fingerprint ? stamp.changed : undefined;
  } catch {
    return undefined; // none yet, or one of another version
  }
}

/** A stamp saves time and nothing else: where it cannot be written, files are read again. */
function writeStamp(path: string, stamp: z.infer<typeof stampSchema>): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    const draft = `${path}.${process.pid}.tmp`;
    writeFileSync(draft, JSON.stringify(stamp));
    renameSync(draft, path);
  } catch {
    // read-only home
  }
}
