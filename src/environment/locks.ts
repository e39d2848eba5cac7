import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { GlipError } from "../errors.ts";

/** One lock file: a layer of pinned packages. */
export interface PackageLock {
  group: string;
  path: string;
  text: string;
  /** Hex sha256 of the text, the same whatever the line endings. */
  hash: string;
}

export interface LockEntry {
  /** Normalised: lower case, dashes. */
  name: string;
  version: string;
  /** The condition behind `;`, when there is one. */
  marker: string | undefined;
  /** The entry as it stands in the file, hashes included. */
  text: string;
}

/** Every environment has these, in this order. */
export const REQUIRED_GROUPS = ["base", "torch"] as const;

/** Reads the lock of `group`; throws `file_error` when it cannot be read. */
export function readLock(requirements: string, group: string): PackageLock {
  const path = join(requirements, `${group}.txt`);
  try {
    const text = readFileSync(path, "utf8").replaceAll("\r\n", "\n");
    return { group, path, text, hash: createHash("sha256").update(text).digest("hex") };
  } catch (cause) {
    const reason = `the lock file of the package group ${group} cannot be read`;
    throw new GlipError("file_error", `${path}: ${reason}`, { path, reason }, { cause });
  }
}

/** The groups that can be asked for; the lock of uv itself is none. */
export function optionalGroups(requirements: string): string[] {
  const all = readdirSync(requirements).flatMap((file) => (file.endsWith(".txt") ? [file.slice(0, -4)] : []));
  return all.filter((group) => !["base", "torch", "uv"].includes(group)).sort();
}

/** Throws `invalid_argument` when a name is not one of the optional groups. */
export function checkGroups(requirements: string, groups: string[]): void {
  for (const [index, group] of groups.entries()) {
    if (
      /^[a-z]+$/.test(group) &&
      existsSync(join(requirements, `${group}.txt`)) &&
      optionalGroups(requirements).includes(group)
    )
      continue;
    const expected = `one of ${optionalGroups(requirements).join(", ")}`;
    const path = `options.groups[${index}]`;
    throw new GlipError("invalid_argument", `${path}: expected ${expected}, got ${group}`, {
      path,
      expected,
      received: group,
    });
  }
}

/** The entries of a lock, in its order. A package with several versions has one entry for each, told apart by markers. */
export function lockEntries(lock: PackageLock): LockEntry[] {
  return lock.text.split(/\n(?=\S)/).flatMap((text) => {
    const match = /^([\w.-]+)(?:\[[^\]]*\])?==([^\s;\\]+)\s*(?:;\s*([^\\\n]+))?/.exec(text);
    if (!match) return [];
    const [, name = "", version = "", marker] = match;
    return [{ name: normalName(name), version, marker: marker?.trim(), text: text.trimEnd() }];
  });
}

/** A package's name as the index compares it. */
export function normalName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
