import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";

import { type CommandResult, runCommand } from "../../src/environment/command.ts";
import { packageRoot } from "../../src/environment/home.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { startGlip } from "../support/glip.ts";
import { testPython } from "../support/python.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));

function glip(args: string[], env: Record<string, string> = {}): Promise<CommandResult> {
  return runCommand(process.execPath, [launcher, ...args], {
    env: { ...process.env, GLIP_PYTHON: "", GLIP_DEBUG: "", ...env },
    timeoutMs: 60_000,
  });
}

test("names its commands and its version", async () => {
  const help = await glip(["--help"]);
  expect(help.exitCode).toBe(0);
  // What users type: a name that goes breaks their scripts.
  const training = ["pretrain", "finetune", "runs", "attach", "report"];
  const looking = ["detect", "ground", "segment", "answer", "caption"];
  const measuring = ["evaluate", "compare", "export"];
  const commands = [
    "setup",
    "doctor",
    ...looking,
    ...measuring,
    ...training,
    "worker",
    "keys",
    "weights",
    "scenes",
    "help",
  ];
  expect([...help.stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name)).toEqual(commands);
  const { version } = JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string };
  expect((await glip(["--version"])).stdout.trim()).toBe(version);
});

test("an error is its code, message and remedy, without a stack", async () => {
  const folder = temporaryFolder();
  const result = await glip(["setup", "--home", folder, "--python", join(folder, "python9")]);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain(
    "glip: error [python_not_found]: Found no Python that fits (CPython >= 3.10, 64-bit).",
  );
  expect(result.stderr).toContain(`${join(folder, "python9")}: not found`);
  expect(result.stderr).toContain("npx glip setup --python");
  expect(result.stderr).not.toMatch(/^\s+at /m);
  const debug = await glip(["setup", "--home", folder, "--python", "/python9"], { GLIP_DEBUG: "1" });
  expect(debug.stderr).toMatch(/^\s+at /m);
});

test("ends quietly when nobody reads what it prints", async () => {
  const { child, printed } = startGlip(["weights", "list", "--home", temporaryFolder()]);
  child.stdout?.destroy();
  expect(await once(child, "exit")).toEqual([0, null]);
  expect(printed.err).toBe("");
});

test("a finding of setup --json is one object a line", async () => {
  const folder = temporaryFolder();
  const result = await glip(["setup", "--json", "--home", folder, "--python", "/python9"]);
  const lines = result.stdout
    .trim()
    .split("\n")
    .map((line): unknown => JSON.parse(line));
  expect(lines).toEqual([{ step: "python", index: 1, total: 7, state: "start", ms: 0, message: "Looking for Python" }]);
});

test("refuses an unknown group and an unknown torch by name", async () => {
  const folder = temporaryFolder();
  const group = await glip(["setup", "--home", folder, "--group", "games"]);
  expect(group).toMatchObject({ exitCode: 1 });
  expect(group.stderr).toContain("[invalid_argument]: options.groups[0]: expected one of dev, official, got games");
  const torch = await glip(["setup", "--home", folder, "--torch", "rocm"]);
  expect(torch.exitCode).toBe(1);
  expect(torch.stderr).toContain("Allowed choices are auto, cpu, cuda, mps");
});

test.skipIf(process.platform !== "linux")("refuses a torch that the platform cannot have", async () => {
  const result = await glip(["setup", "--home", temporaryFolder(), "--torch", "mps"]);
  expect(result.exitCode).toBe(1);
  expect(result.stderr).toContain("[unsupported]: torch mps");
});

test("doctor ends with 1 when something needed is missing, and says what to run", async () => {
  const home = join(temporaryFolder(), "home");
  const human = await glip(["doctor", "--home", home]);
  expect(human.exitCode).toBe(1);
  expect(human.stdout).toMatch(/^PROBLEM {2}environment .*There is no Python environment/m);
  expect(human.stdout).toContain("-> Run `npx glip setup`.");

  const json = await glip(["doctor", "--home", home, "--json"]);
  expect(json.exitCode).toBe(1);
  const checks = JSON.parse(json.stdout) as Record<string, unknown>[];
  expect(checks.map(({ name }) => name)).toEqual(
    ["node", "python", "environment", "zeromq", "curve", "disk"].concat(
      process.platform === "linux" ? ["shared memory"] : [],
      ["official checkout", "weights"],
    ),
  );
  for (const check of checks) {
    expect([check["name"], check["needed"], check["found"]].map((value) => typeof value)).toEqual([
      "string",
      "boolean",
      "string",
    ]);
    expect(["ok", "warning", "problem"]).toContain(check["status"]);
  }
});

test("doctor ends with 0 when all that is needed is there, whatever else is not", async () => {
  const result = await glip(["doctor", "--json", "--home", temporaryFolder(), "--python", await testPython()]);
  expect(result.exitCode, result.stdout).toBe(0);
  const checks = JSON.parse(result.stdout) as { name: string; found: string }[];
  expect(checks.find(({ name }) => name === "torch")?.found).toMatch(/^\d+\.\d+\.\d+/);
}, 90_000);
