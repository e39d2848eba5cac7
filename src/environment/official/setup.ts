import { resolve } from "node:path";

import { glipHome } from "../home.ts";
import { fetchOfficial, type FetchOfficialOptions } from "./fetch.ts";
import { stampsDirectory, writeOfficialRecord } from "./record.ts";
import { modifiedFiles, verifyOfficial } from "./verify.ts";

export interface SetupOfficialOptions extends FetchOfficialOptions {
  /** A checkout that you have; nothing is fetched then. @default GLIP_OFFICIAL_REPO, then fetch one */
  official?: string | undefined;
}

export interface SetupOfficialResult {
  directory: string;
  modified: string[];
  /** Whether it lies in the home, fetched by us. */
  fetched: boolean;
}

/**
 * Chooses the official checkout: compares every file of the one that was named, or fetches one; `resolveOfficial` finds
 * it from then on. Throws what `fetchOfficial` throws, and `official_missing` when the named folder is no checkout.
 */
export async function setupOfficial(options: SetupOfficialOptions = {}): Promise<SetupOfficialResult> {
  const home = glipHome(options.home);
  const named = options.official ?? (process.env["GLIP_OFFICIAL_REPO"] || undefined);
  const allowModified = options.allowModified ?? false;
  if (named === undefined) {
    const { directory, modified } = await fetchOfficial({ ...options, home });
    writeOfficialRecord(home, allowModified ? { directory, allowModified } : undefined);
    return { directory, modified, fetched: true };
  }
  const directory = resolve(named);
  const { manifest } = options;
  const modified = modifiedFiles(verifyOfficial(directory, { allowModified, manifest }));
  // Once more with a stamp, so that the first launch finds it.
  verifyOfficial(directory, { allowModified, manifest, stamps: stampsDirectory(home) });
  writeOfficialRecord(home, { directory, allowModified });
  return { directory, modified, fetched: false };
}
