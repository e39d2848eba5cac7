import { readFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

import { GlipError } from "../../errors.ts";
import { pythonSource } from "../home.ts";

const schema = z.object({
  /** Where the tree is cloned from. */
  repository: z.string(),
  /** The full commit id that everything here is written for. */
  commit: z.string().regex(/^[0-9a-f]{40}$/),
  /** Path, with slashes -> hex sha256 of the file. */
  files: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/)),
});

/** What the pinned official tree consists of: names and sums, no code. */
export type OfficialManifest = z.infer<typeof schema>;

let shipped: OfficialManifest | undefined;

/** The manifest that this package ships, read once; or the one in `path`. Throws `file_error`. */
export function readOfficialManifest(path?: string): OfficialManifest {
  if (path === undefined) return (shipped ??= read(join(pythonSource, "glip_worker/engines/official/manifest.json")));
  return read(path);
}

function read(path: string): OfficialManifest {
  try {
    return schema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    const reason = "the manifest of the official tree cannot be read";
    throw new GlipError("file_error", `${path}: ${reason}`, { path, reason }, { cause });
  }
}
