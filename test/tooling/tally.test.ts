import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

import { emptyTally, sum, summary, tallyPytest, tallyVitest } from "../../scripts/lib/tally.mjs";

const folder = mkdtempSync(join(tmpdir(), "glip-tally-"));
const path = join(folder, "report");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function vitest(report: object, code: number): string {
  const base = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
  writeFileSync(path, JSON.stringify({ ...base, ...report }));
  return summary(tallyVitest(path, code));
}

function pytest(attributes: string, code: number): string {
  writeFileSync(path, `<?xml version="1.0"?><testsuites name="x"><testsuite name="pytest" ${attributes}></testsuite>`);
  return summary(tallyPytest(path, code));
}

describe("vitest", () => {
  test("counts", () => {
    expect(vitest({ numPassedTests: 5 }, 0)).toBe("5 passed, 0 failed");
    expect(vitest({ numPassedTests: 5, numFailedTests: 2, numPendingTests: 1, numTodoTests: 1 }, 1)).toBe(
      "5 passed, 2 failed, 2 skipped",
    );
  });

  test("a file that does not load is a failure", () => {
    const testResults = [{ name: "a.test.ts", status: "failed", message: "no such module", assertionResults: [] }];
    expect(vitest({ numPassedTests: 5, testResults }, 1)).toBe("5 passed, 1 failed");
  });

  test("a crash, or nothing to run, is a failure", () => {
    expect(vitest({ numPassedTests: 5 }, 1)).toBe("5 passed, 1 failed");
    expect(vitest({}, 0)).toBe("0 passed, 1 failed");
    expect(summary(tallyVitest(join(folder, "missing"), 1))).toBe("0 passed, 1 failed");
  });
});

describe("pytest", () => {
  test("counts", () => {
    expect(pytest('errors="0" failures="0" skipped="0" tests="4" time="1.0"', 0)).toBe("4 passed, 0 failed");
    expect(pytest('errors="1" failures="2" skipped="3" tests="10"', 1)).toBe("4 passed, 3 failed, 3 skipped");
  });

  test("a crash, or nothing to run, is a failure", () => {
    expect(pytest('errors="0" failures="0" skipped="0" tests="4"', 3)).toBe("4 passed, 1 failed");
    expect(pytest('errors="0" failures="0" skipped="0" tests="0"', 5)).toBe("0 passed, 1 failed");
    expect(summary(tallyPytest(join(folder, "missing"), 1))).toBe("0 passed, 1 failed");
  });
});

test("the sum over runners keeps each one's trouble", () => {
  const first = { ...emptyTally(), passed: 3, skipped: 1 };
  const second = { ...emptyTally(), passed: 2, trouble: ["pytest: ended with exit code 3 though no test failed"] };
  expect(summary(sum([first, second]))).toBe("5 passed, 1 failed, 1 skipped");
  expect(sum([first, second]).trouble).toEqual(second.trouble);
});
