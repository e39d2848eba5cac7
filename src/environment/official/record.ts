import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { z } from "zod";

const schema = z.object({
  /** The absolute path of the checkout to use. */
  directory: z.string(),
  /** Whether it may differ from the manifest. */
  allowModified: z.boolean(),
});

/** Which checkout `glip setup --official DIR` chose. */
export type OfficialRecord = z.infer<typeof schema>;

const fileIn = (home: string): string => join(home, "official.json");

/** The choice in `home`; undefined when none was made. */
export function readOfficialRecord(home: string): OfficialRecord | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(fileIn(home), "utf8")));
  } catch {
    return undefined;
  }
}

/** Remembers a choice; undefined forgets it. */
export function writeOfficialRecord(home: string, record: OfficialRecord | undefined): void {
  if (record === undefined) return rmSync(fileIn(home), { force: true });
  mkdirSync(home, { recursive: true });
  const draft = `${fileIn(home)}.${process.pid}.tmp`;
  writeFileSync(draft, `${JSON.stringify(record, undefined, 2)}\n`);
  renameSync(draft, fileIn(home));
}

/** Where the checkout that we fetch lies. */
export function fetchedCheckout(home: string, commit: string): string {
  return join(home, "official", commit);
}

/** Where the outcomes of checks are remembered. */
export function stampsDirectory(home: string): string {
  return join(home, "official", "checked");
}
