// Runs a TypeScript file of scripts/ or examples/: node scripts/run.mjs FILE.ts [arguments]
//
// In it, `glip-sdk` is this repository's build, and relative imports of src/ work too.

import { existsSync } from "node:fs";
import { resolve } from "node:path";

import { runScript } from "./lib/compile.mjs";

const [given, ...args] = process.argv.slice(2);

try {
  if (given === undefined) throw new Error("usage: node scripts/run.mjs FILE.ts [arguments]");
  const file = resolve(given);
  if (!existsSync(file)) throw new Error(`there is no file ${file}`);
  process.exitCode = await runScript(file, args);
} catch (error) {
  console.error(error.message);
  process.exitCode = 2;
}
