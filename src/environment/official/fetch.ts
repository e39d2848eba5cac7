import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { GlipError } from "../../errors.ts";
import { diskFull, isDiskFull } from "../disk.ts";
import { glipHome } from "../home.ts";
import { acquireSetupLock } from "../setup-lock.ts";
import { failureOf, fetchFailed, git, type GitOptions, mustGit } from "./git.ts";
import { type OfficialManifest, readOfficialManifest } from "./manifest.ts";
import { fetchedCheckout, stampsDirectory } from "./record.ts";
import { modifiedFiles, verifyOfficial } from "./verify.ts";

/** git shows progress at least every second while data comes; a slow server may think for a while before. */
const SILENCE_MS = 120_000;

export interface FetchOfficialOptions {
  /** Where to clone from. @default the manifest's repository: microsoft/GLIP on GitHub */
  repository?: string | undefined;
  /** The full commit id. @default the manifest's */
  commit?: string | undefined;
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** Accept a tree that differs from the manifest. @default false */
  allowModified?: boolean | undefined;
  /** @default the manifest that this package ships */
  manifest?: OfficialManifest | undefined;
  /** Gives up when git says nothing for this long. @default 120 000 */
  silenceMs?: number | undefined;
  /** Hears what git says about its progress. */
  onProgress?: ((line: string) => void) | undefined;
  /** Hears who is waited for. */
  onMessage?: ((message: string) => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface FetchedOfficial {
  directory: string;
  modified: string[];
  /** False when it was there already. */
  changed: boolean;
}

/**
 * Clones the official repository at the pinned commit into `<home>/official/<commit>`, and compares it with the
 * manifest. It appears there complete or not at all: killed at any moment, the next run starts afresh. Two at once take
 * turns. Throws `official_fetch_failed` (no git, cut connection, no such commit), `official_modified`, `disk_full`,
 * `invalid_argument` (a shortened commit id) and `cancelled`.
 */
export async function fetchOfficial(options: FetchOfficialOptions = {}): Promise<FetchedOfficial> {
  const { signal, allowModified } = options;
  const home = glipHome(options.home);
  const manifest = options.manifest ?? readOfficialManifest();
  const commit = options.commit ?? manifest.commit;
  if (!/^[0-9a-f]{40}$/.test(commit)) throw notACommit(commit);
  const asked = options.repository ?? manifest.repository;
  const repository = existsSync(asked) ? resolve(asked) : asked;
  const directory = fetchedCheckout(home, commit);
  const check = (path: string): string[] =>
    modifiedFiles(verifyOfficial(path, { allowModified, manifest, stamps: stampsDirectory(home) }));
  const lock = await acquireSetupLock(join(home, "official.lock"), {
    signal,
    purpose: "glip setup --official",
    onWait: (holder) => options.onMessage?.(`Waiting: ${holder}.`),
  });
  const partial = `${directory}.partial`;
  try {
    if (existsSync(directory)) return { directory, modified: check(directory), changed: false };
    rmSync(partial, { recursive: true, force: true }); // what a killed attempt may have left
    mkdirSync(partial, { recursive: true });
    await clone({
      directory: partial,
      repository,
      commit,
      signal,
      silenceMs: options.silenceMs ?? SILENCE_MS,
      onSpawn: (pid) => lock.recordChild(pid),
      onLine: options.onProgress,
    });
    verifyOfficial(partial, { allowModified, manifest });
    renameSync(partial, directory);
    return { directory, modified: check(directory), changed: true };
  } catch (error) {
    if (isDiskFull(error)) throw diskFull(dirname(directory), undefined, error);
    throw error;
  } finally {
    rmSync(partial, { recursive: true, force: true, maxRetries: 3 });
    lock.release();
  }
}

/** One commit alone where the server gives it out by its id, else every branch, and the commit out of those. */
async function clone(options: GitOptions): Promise<void> {
  const { repository, commit } = options;
  await mustGit(["init", "--quiet", "--template=", "."], options);
  await mustGit(["remote", "add", "--", "origin", repository], options);
  const single = await git(["fetch", "--progress", "--depth", "1", "--no-tags", "origin", commit], options);
  if (single.exitCode !== 0) {
    if (!isRefused(single.stderr)) throw failureOf(single, options);
    await mustGit(["fetch", "--progress", "--no-tags", "origin"], options);
    const known = await git(["cat-file", "-e", `${commit}^{commit}`], options);
    if (known.exitCode !== 0) throw fetchFailed(options, "commit_missing", "");
  }
  await mustGit(["checkout", "--quiet", "--detach", commit], options);
}

function notACommit(commit: string): GlipError {
  const facts = { path: "options.commit", expected: "a full commit id (40 hex digits)", received: commit };
  return new GlipError("invalid_argument", `${facts.path}: expected ${facts.expected}, got ${commit}`, facts);
}

/** The server does not have the commit, or does not give out commits by their id: it does not say which. */
function isRefused(stderr: string): boolean {
  return /not our ref|unadvertised object|couldn't find remote ref|no such remote ref/i.test(stderr);
}
