import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { requirementsDirectory } from "../../src/environment/home.ts";
import { checkGroups, lockEntries, optionalGroups, readLock } from "../../src/environment/locks.ts";
import { temporaryFolder } from "../support/folders.ts";

test("every shipped lock pins every package with hashes and names no address", () => {
  for (const group of ["base", "torch", "official", "dev", "uv"]) {
    const lock = readLock(requirementsDirectory, group);
    const entries = lockEntries(lock);
    expect(entries.length).toBeGreaterThan(0);
    expect(entries.length).toBe(lock.text.split("\n").filter((line) => /^[a-z0-9]/i.test(line)).length);
    expect(entries.filter(({ text }) => !text.includes("--hash=sha256:"))).toEqual([]);
    expect(lock.text).not.toMatch(/:\/\/|--(extra-)?index|--find-links/);
  }
});

test("the shipped groups agree with each other on every version", () => {
  const groups = ["base", "torch", "official", "dev"].map((group) =>
    lockEntries(readLock(requirementsDirectory, group)),
  );
  const pins = new Map<string, string>();
  for (const entries of groups) {
    for (const name of new Set(entries.map((entry) => entry.name))) {
      const pin = entries
        .flatMap((entry) => (entry.name === name ? [entry.version] : []))
        .sort()
        .join(" ");
      expect(`${name} ${pin}`).toBe(`${name} ${pins.get(name) ?? pin}`);
      pins.set(name, pin);
    }
  }
});

test("reads names, versions and markers", () => {
  const text =
    "# a comment\nA.b_C[x]==1.0+local ; python_version < '3' \\\n    --hash=sha256:aa\nd==2 \\\n    --hash=sha256:bb\n";
  expect(lockEntries({ group: "g", path: "", hash: "", text })).toMatchObject([
    { name: "a-b-c", version: "1.0+local", marker: "python_version < '3'" },
    { name: "d", version: "2", marker: undefined },
  ]);
});

test("the hash does not depend on line endings", () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "a.txt"), "x==1\n");
  writeFileSync(join(folder, "b.txt"), "x==1\r\n");
  expect(readLock(folder, "a").hash).toBe(readLock(folder, "b").hash);
});

test("names the groups that there are", () => {
  expect(optionalGroups(requirementsDirectory)).toEqual(["dev", "official"]);
  const check = (): void => checkGroups(requirementsDirectory, ["dev", "torch"]);
  expect(check).toThrow("options.groups[1]: expected one of dev, official, got torch");
});

test("says which lock cannot be read", () => {
  expect(() => readLock(temporaryFolder(), "base")).toThrow(expect.objectContaining({ code: "file_error" }));
});
