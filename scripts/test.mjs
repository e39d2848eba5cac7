// Runs every test of the repository, from a bare clone too:
//
//   npm test                            all of them
//   npm test -- test/bridge -t name     vitest alone, with these arguments
//   npm test -- python/tests/test_x.py  pytest alone, with these arguments
//
// Packages, build and Python environment are made first where they are missing or out of date. The last line is the
// sum over all runners.

import { mkdirSync, rmSync } from "node:fs";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { developmentPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";
import { emptyTally, sum, summary, tallyPytest, tallyVitest } from "./lib/tally.mjs";

const args = process.argv.slice(2);
const onlyPytest = args.some((argument) => argument.startsWith("python/"));
const onlyVitest = args.length > 0 && !onlyPytest;
const tallies = [];

try {
  await installPackages();
  await step("build", [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  mkdirSync(inRoot(".build"), { recursive: true });
  const python = onlyVitest ? undefined : await developmentPython();
  if (!onlyPytest) tallies.push(await vitest());
  if (python !== undefined) tallies.push(await pytest(python));
} catch (error) {
  tallies.push({ ...emptyTally(), trouble: [error.message] });
}

const total = sum(tallies);
for (const trouble of total.trouble) console.log(`\n${trouble}`);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed + total.trouble.length > 0 ? 1 : 0;

async function step(name, command) {
  const { code } = await execute(process.execPath, command);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}`);
}

async function vitest() {
  const report = inRoot(".build", "vitest.json");
  rmSync(report, { force: true });
  const { code } = await execute(process.execPath, [
    inRoot("node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...args,
  ]);
  return tallyVitest(report, code);
}

async function pytest(python) {
  const report = inRoot(".build", "pytest.xml");
  rmSync(report, { force: true });
  const given = onlyPytest ? args : ["python/tests"];
  const { code } = await execute(python, [
    "-m",
    "pytest",
    "-c",
    "python/pyproject.toml",
    "--rootdir=python",
    `--junitxml=${report}`,
    ...given,
  ]);
  return tallyPytest(report, code);
}
