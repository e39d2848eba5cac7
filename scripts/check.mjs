// Every check that is not a test: npm run check
//
// Runs all steps, prints a line for each, and what the failed ones said at the end.

import { existsSync } from "node:fs";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { developmentPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";

const bin = (...parts) => [process.execPath, inRoot("node_modules", ...parts)];
const failures = [];

await installPackages();
await check("prettier", [...bin("prettier", "bin", "prettier.cjs"), "--check", "--log-level=warn", "."]);
await check("borders", [process.execPath, "scripts/check-borders.mjs"]);
const built = await check("build", [...bin("typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
// After the build: scripts and examples import the package by its name, whose types lie in dist/.
await check("oxlint", bin("oxlint", "bin", "oxlint"));
await check("types", [...bin("typescript", "bin", "tsc"), "--noEmit"]);
if (existsSync(inRoot("scripts", "export-protocol.ts"))) {
  await check("protocol", [process.execPath, "scripts/run.mjs", "scripts/export-protocol.ts", "--check"]);
} else {
  say("SKIP", "protocol", "scripts/export-protocol.ts does not exist");
}

const python = built || process.env.GLIP_PYTHON ? await findPython() : undefined;
if (python === undefined) {
  say("FAIL", "python", "ruff and mypy were not run: there is no Python to run them with");
  failures.push({ name: "python", output: "ruff and mypy were not run\n" });
} else {
  // From python/, so that both tools find their settings there, and our packages as our own.
  await check("ruff check", [python, "-m", "ruff", "check"], inRoot("python"));
  await check("ruff format", [python, "-m", "ruff", "format", "--check"], inRoot("python"));
  await check("mypy", [python, "-m", "mypy"], inRoot("python"));
}

for (const { name, output } of failures) console.log(`\n--- ${name} ---\n${output.trimEnd()}`);
if (failures.length > 0)
  console.log(`\n${failures.length} of the checks failed: ${failures.map(({ name }) => name).join(", ")}`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function check(name, [command, ...args], cwd) {
  const start = performance.now();
  const { code, output } = await execute(command, args, { capture: true, cwd });
  say(code === 0 ? "ok" : "FAIL", name, `${((performance.now() - start) / 1000).toFixed(1)} s`);
  if (code !== 0) failures.push({ name, output });
  return code === 0;
}

async function findPython() {
  try {
    return await developmentPython();
  } catch (error) {
    failures.push({ name: "glip setup", output: error.message });
    return undefined;
  }
}

function say(state, name, text) {
  console.log(`${state.padEnd(4)}  ${name.padEnd(12)}  ${text}`);
}
