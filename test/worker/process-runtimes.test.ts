import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { expect, it } from "vitest";
import { compile, root } from "../support/compile.ts";
import { runtimeProgram } from "../support/installed.ts";
import { testPython } from "../support/python.ts";

const client = "test/fixtures/close-gracefully.ts";

async function closes(...[file, ...args]: [string, ...string[]]): Promise<unknown> {
  const { stdout } = await promisify(execFile)(file, [...args, await testPython()], { cwd: root, timeout: 30_000 });
  return JSON.parse(stdout);
}

// Deno's ChildProcess.kill closes the pipes too: the worker's watchdog would end it before it has said goodbye.
const graceful = { exit: { exitCode: 5 }, lines: ["ready", "goodbye"] };

it("lets the worker leave by itself in Node", { timeout: 90_000 }, async () => {
  expect(await closes(process.execPath, await compile(client))).toEqual(graceful);
});

it.for([
  { runtime: "deno", args: ["run", "-A", "--quiet", "--no-check", "--node-modules-dir=manual", client] },
  { runtime: "bun", args: ["run", client] },
] as const)("lets the worker leave by itself in $runtime", { timeout: 40_000 }, async ({ runtime, args }, context) => {
  const file = runtimeProgram(runtime);
  if (file === undefined) return context.skip(`${runtime} is missing: npm ci installs it`);
  expect(await closes(file, ...args)).toEqual(graceful);
});
