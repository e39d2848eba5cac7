// Runs every test that needs the official checkout: npm run test:official
//
// The checkout is the one of GLIP_OFFICIAL_REPO, or the one that `glip setup --official` got. Without it this fails: here
// nothing is skipped for its lack. Tests that need an NVIDIA GPU are skipped where there is none, and counted.

import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { officialPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";
import { emptyTally, sum, summary, tallyPytest, tallyVitest } from "./lib/tally.mjs";

/** What the titles of vitest's part begin with (test/support/checkout.ts), and what their files call. */
const TITLE = "official checkout";
const CALLED = "describeOfficial(";
const args = process.argv.slice(2);
const tallies = [];

try {
  await installPackages();
  const { code } = await execute(process.execPath, [
    inRoot("node_modules", "typescript", "bin", "tsc"),
    "-p",
    "tsconfig.build.json",
  ]);
  if (code !== 0) throw new Error(`build ended with exit code ${code}`);
  mkdirSync(inRoot(".build"), { recursive: true });
  const { python, checkout } = await officialPython();
  process.env.GLIP_PYTHON = python;
  process.env.GLIP_OFFICIAL_REPO = checkout;
  if (!args.includes("--python")) tallies.push(await vitest());
  if (!args.includes("--typescript")) tallies.push(await pytest(python));
} catch (error) {
  tallies.push({ ...emptyTally(), trouble: [error.message] });
}

const total = sum(tallies);
for (const trouble of total.trouble) console.log(`\n${trouble}`);
console.log(`\n${summary(total)}`);
process.exitCode = total.failed + total.trouble.length > 0 ? 1 : 0;

async function vitest() {
  const report = inRoot(".build", "vitest-official.json");
  rmSync(report, { force: true });
  const { code } = await execute(process.execPath, [
    inRoot("node_modules", "vitest", "vitest.mjs"),
    "run",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    "--testNamePattern",
    TITLE,
    "--typecheck.enabled=false",
    ...filesOfVitest(),
  ]);
  const tally = tallyVitest(report, code);
  // What the pattern leaves out counts as skipped too; what matters is that nothing with the title was.
  const skipped = JSON.parse(readFileSync(report, "utf8"))
    .testResults.flatMap((file) => file.assertionResults)
    .filter((test) => test.status !== "passed" && test.status !== "failed" && test.fullName.includes(TITLE));
  const trouble = skipped.map((test) => `vitest: skipped though the checkout is here: ${test.fullName}`);
  return { ...tally, skipped: 0, trouble: [...tally.trouble, ...trouble] };
}

/** The others need not even be loaded. */
function filesOfVitest() {
  return readdirSync(inRoot("test"), { recursive: true })
    .filter((file) => file.endsWith(".test.ts"))
    .map((file) => join("test", file))
    .filter((file) => readFileSync(inRoot(file), "utf8").includes(CALLED));
}

async function pytest(python) {
  const report = inRoot(".build", "pytest-official.xml");
  rmSync(report, { force: true });
  const { code } = await execute(python, [
    "-m",
    "pytest",
    "-c",
    "python/pyproject.toml",
    "--rootdir=python",
    "-m",
    "official",
    `--junitxml=${report}`,
    "python/tests",
  ]);
  const tally = tallyPytest(report, code);
  const skips = [...readFileSync(report, "utf8").matchAll(/<skipped[^>]*message="([^"]*)"/g)].map(
    ([, reason]) => reason,
  );
  const wrong = skips.filter((reason) => reason.includes("GLIP_OFFICIAL_REPO"));
  return { ...tally, trouble: [...tally.trouble, ...wrong.map((reason) => `pytest: skipped a test: ${reason}`)] };
}
