import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, expect, it } from "vitest";
import { compile, root } from "./support/compile.ts";
import { requireBuild } from "./support/folders.ts";
import { expectNothingLeft } from "./support/leftovers.ts";
import { testPython } from "./support/python.ts";

// Each example asserts what it shows. Notebooks have test/package/notebook.test.ts; what needs the official checkout and
// a model has the test that is named.
const elsewhere: Record<string, string> = { "finetune.ts": "test/training/official.test.ts" };
const programs = readdirSync(join(root, "examples")).filter((name) => name.endsWith(".ts") && !(name in elsewhere));
const output = mkdtempSync(join(tmpdir(), "glip-examples-"));
afterAll(() => rmSync(output, { recursive: true, force: true, maxRetries: 3 }));

// Experiments are run as small as they can be: what they show takes longer.
const tiny = ["--steps", "1", "--batch", "2", "--pictures", "2"];
const experiments: [name: string, ...args: string[]][] = [
  ["ablation/main.ts", ...tiny, "--seeds", "0", "--output", join(output, "ablation")],
  ["joint/main.ts", ...tiny, "--seeds", "0", "--output", join(output, "joint")],
  ["few-shot/main.ts", ...tiny, "--seeds", "3", "--shots", "1", "--output", join(output, "few-shot")],
];
// Of the apps, the programs that use them and end.
const examples = [...programs, "app/check.ts", "finetune-app/check.ts"].map((name): [string, ...string[]] => [name]);

it("finds the examples", () => {
  expect(programs).toEqual(expect.arrayContaining(["hello-worker.ts", "python-window.ts"]));
});

const TIMEOUT = 170_000;

it.each([...examples, ...experiments])(
  "runs %s, which leaves nothing behind",
  { timeout: TIMEOUT },
  async (name, ...args) => {
    requireBuild();
    const mark = randomUUID();
    // Other tests compute beside it: threads that wait for cores would take them.
    const env = { ...process.env, GLIP_PYTHON: await testPython(), GLIP_TEST_MARK: mark, OMP_NUM_THREADS: "1" };
    const script = await compile(`examples/${name}`);
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...args], {
      env,
      timeout: TIMEOUT - 10_000,
    });
    await expectNothingLeft({ mark });
    expect(stderr).toBe("");
    expect(stdout).not.toBe("");
  },
);
