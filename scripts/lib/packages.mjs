import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

import { npm } from "./processes.mjs";
import { inRoot } from "./repository.mjs";

const marker = inRoot("node_modules", ".installed-from");

/** What an installation depends on: the lock, the Node ABI and the platform. */
function wanted() {
  const hash = createHash("sha256")
    .update(readFileSync(inRoot("package-lock.json")))
    .digest("hex");
  return `${hash} ${process.platform}-${process.arch} abi${process.versions.modules}\n`;
}

/** Brings node_modules to what package-lock.json says. Returns at once when it is there already. */
export async function installPackages() {
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted()) return;
  // npm writes this file last; when it matches the lock, the installation is complete and needs only our marker.
  if (!matchesLock()) {
    const { code } = await npm(["ci"]);
    if (code !== 0) throw new Error(`npm ci ended with exit code ${code}`);
  }
  writeFileSync(marker, wanted());
}

/** Whether what npm installed last has the versions of the lock. */
function matchesLock() {
  const hidden = inRoot("node_modules", ".package-lock.json");
  if (!existsSync(hidden) || existsSync(marker)) return false;
  const installed = JSON.parse(readFileSync(hidden, "utf8")).packages;
  const locked = JSON.parse(readFileSync(inRoot("package-lock.json"), "utf8")).packages;
  const versions = Object.entries(installed).every(([path, { version }]) => locked[path]?.version === version);
  const complete = Object.entries(locked).every(([path, entry]) => path === "" || entry.optional || path in installed);
  return versions && complete;
}
