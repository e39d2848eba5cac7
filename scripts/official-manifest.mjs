// Writes the manifest of the official tree: the sha256 of every file that git tracks at the checkout's commit.
//
//   node scripts/official-manifest.mjs DIR [FILE]
//
// DIR is a clone of microsoft/GLIP at the commit to pin; FILE is where the manifest goes, by default where the package
// ships it. The sums are taken from git's objects, so that neither local changes nor line endings get in.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";

import { inRoot } from "./lib/repository.mjs";

const REPOSITORY = "https://github.com/microsoft/GLIP";

const [directory, file = inRoot("python", "glip_worker", "engines", "official", "manifest.json")] =
  process.argv.slice(2);
if (directory === undefined) throw new Error("usage: node scripts/official-manifest.mjs DIR [FILE]");

const git = (...args) => execFileSync("git", ["-C", directory, ...args], { maxBuffer: 2 ** 28 });
const commit = git("rev-parse", "HEAD").toString().trim();
const paths = git("ls-tree", "-r", "-z", "--name-only", "HEAD").toString().split("\0").filter(Boolean).sort();
const sum = (path) =>
  createHash("sha256")
    .update(git("cat-file", "blob", `HEAD:${path}`))
    .digest("hex");
const files = Object.fromEntries(paths.map((path) => [path, sum(path)]));
writeFileSync(file, `${JSON.stringify({ repository: REPOSITORY, commit, files }, undefined, 2)}\n`);
console.log(`${paths.length} files of ${commit} in ${file}`);
