import { existsSync, readFileSync } from "node:fs";

/**
 * @typedef {{ passed: number, failed: number, skipped: number, trouble: string[] }} Tally
 *   `trouble`: what went wrong beyond failed tests; each entry counts as one failure.
 */

/**
 * Counts of a vitest JSON report.
 *
 * @param {string} path
 * @param {number} code exit code of the runner
 * @returns {Tally}
 */
export function tallyVitest(path, code) {
  if (!existsSync(path)) return settle("vitest", emptyTally(), code);
  const report = JSON.parse(readFileSync(path, "utf8"));
  const trouble = report.testResults
    .filter((file) => file.status === "failed" && !file.assertionResults.some((test) => test.status === "failed"))
    .map((file) => `vitest: ${file.name} failed outside its tests: ${file.message ?? "no message"}`);
  return settle(
    "vitest",
    {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + (report.numTodoTests ?? 0),
      trouble,
    },
    code,
  );
}

/**
 * Counts of a pytest JUnit report.
 *
 * @param {string} path
 * @param {number} code exit code of the runner
 * @returns {Tally}
 */
export function tallyPytest(path, code) {
  const tally = emptyTally();
  if (existsSync(path)) {
    for (const [suite] of readFileSync(path, "utf8").matchAll(/<testsuite\s[^>]*>/g)) {
      const count = (name) => Number(new RegExp(`\\s${name}="(\\d+)"`).exec(suite)?.[1] ?? 0);
      const failed = count("failures") + count("errors");
      tally.failed += failed;
      tally.skipped += count("skipped");
      tally.passed += Math.max(0, count("tests") - failed - count("skipped"));
    }
  }
  return settle("pytest", tally, code);
}

/** Several runners' counts as one. */
export function sum(tallies) {
  const total = emptyTally();
  for (const { passed, failed, skipped, trouble } of tallies) {
    total.passed += passed;
    total.failed += failed;
    total.skipped += skipped;
    total.trouble.push(...trouble);
  }
  return total;
}

/** The line that ends a run. */
export function summary({ passed, failed, skipped, trouble }) {
  const line = `${passed} passed, ${failed + trouble.length} failed`;
  return skipped === 0 ? line : `${line}, ${skipped} skipped`;
}

/** @returns {Tally} */
export function emptyTally() {
  return { passed: 0, failed: 0, skipped: 0, trouble: [] };
}

/** A runner that crashed, or that found nothing to run, must not look like success. */
function settle(name, tally, code) {
  if (tally.failed + tally.trouble.length > 0) return tally;
  if (tally.passed + tally.skipped === 0) tally.trouble.push(`${name}: ran no test (exit code ${code})`);
  else if (code !== 0) tally.trouble.push(`${name}: ended with exit code ${code} though no test failed`);
  return tally;
}
