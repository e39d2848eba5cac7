import { resolve } from "node:path";

import { glipHome } from "../home.ts";
import { type OfficialManifest, readOfficialManifest } from "./manifest.ts";
import { fetchedCheckout, readOfficialRecord, stampsDirectory } from "./record.ts";
import { modifiedFiles, verifyOfficial } from "./verify.ts";

export interface ResolveOfficialOptions {
  /** A checkout. @default GLIP_OFFICIAL_REPO, then what `glip setup --official` chose or fetched */
  official?: string | undefined;
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** Accept a changed tree. @default what `glip setup --official DIR --allow-modified` said of this directory, else false */
  allowModified?: boolean | undefined;
  /** @default the manifest that this package ships */
  manifest?: OfficialManifest | undefined;
}

export interface ResolvedOfficial {
  /** The absolute path of the checkout: goes on the worker's path, is never written to. */
  directory: string;
  /** Files that differ from the pinned commit; always empty unless a changed tree was allowed. */
  modified: string[];
}

/**
 * Says which official checkout to use, and that it is the pinned commit. Quick enough for every launch: its files are
 * read the first time and when a name, size or time has changed, else only listed. Throws `official_missing` and
 * `official_modified`.
 */
export function resolveOfficial(options: ResolveOfficialOptions = {}): ResolvedOfficial {
  const home = glipHome(options.home);
  const manifest = options.manifest ?? readOfficialManifest();
  const record = readOfficialRecord(home);
  const named = options.official ?? (process.env["GLIP_OFFICIAL_REPO"] || record?.directory);
  const directory = resolve(named ?? fetchedCheckout(home, manifest.commit));
  const allowModified = options.allowModified ?? (record?.directory === directory && record.allowModified);
  const differences = verifyOfficial(directory, { allowModified, manifest, stamps: stampsDirectory(home) });
  return { directory, modified: modifiedFiles(differences) };
}
