// Runs a benchmark: npm run bench -- NAME [--json FILE] [--check]
//
// NAME is a file of scripts/bench/; without it, or with one that does not exist, the names are listed.

import { readdirSync } from "node:fs";

import { build, runScript } from "./lib/compile.mjs";
import { inRoot } from "./lib/repository.mjs";

const [name, ...args] = process.argv.slice(2);
const names = readdirSync(inRoot("scripts", "bench"))
  .filter((file) => file.endsWith(".ts") && file !== "harness.ts")
  .map((file) => file.slice(0, -".ts".length))
  .sort();

if (name === undefined || name.startsWith("-")) {
  console.log(listing());
} else if (!names.includes(name)) {
  console.error(`there is no benchmark ${name}\n${listing()}`);
  process.exitCode = 2;
} else {
  try {
    // Files beside it import glip-sdk, which runScript does not look for.
    await build();
    process.exitCode = await runScript(inRoot("scripts", "bench", `${name}.ts`), args);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}

function listing() {
  if (names.length === 0) return "there are no benchmarks in scripts/bench yet";
  return ["benchmarks (npm run bench -- NAME [--json FILE] [--check]):", ...names.map((known) => `  ${known}`)].join(
    "\n",
  );
}
