import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { compile, root } from "./support/compile.ts";
import { requireBuild } from "./support/folders.ts";
import { expectNothingLeft } from "./support/leftovers.ts";
import { testPython } from "./support/python.ts";

// Each example asserts what it shows. Notebooks have test/package/notebook.test.ts; what needs the official checkout and
// a model has the test that is named.
const elsewhere: Record<string, string> = { "finetune.ts": "test/training/official.test.ts" };
const programs = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts") && !(name in elsewhere));
// Of the app, the program that uses it and ends.
const examples = [...programs, "app/check.ts"];

it("finds the examples", () => {
  expect(examples).toEqual(expect.arrayContaining(["hello-worker.ts", "python-window.ts"]));
});

it.each(examples)("runs %s, which leaves nothing behind", { timeout: 120_000 }, async (name) => {
  requireBuild();
  const mark = randomUUID();
  // Other tests compute beside it: threads that wait for cores would take them.
  const env = { ...process.env, GLIP_PYTHON: await testPython(), GLIP_TEST_MARK: mark, OMP_NUM_THREADS: "1" };
  const script = await compile(`examples/${name}`);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [script], { env, timeout: 110_000 });
  await expectNothingLeft({ mark });
  expect(stderr).toBe("");
  expect(stdout).not.toBe("");
});
