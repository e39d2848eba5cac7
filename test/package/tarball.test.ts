import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { root } from "../support/compile.ts";
import { fixture } from "../support/folders.ts";
import { type InstalledProject, installTarball, runtimeProgram } from "../support/installed.ts";
import { expectNothingLeft } from "../support/leftovers.ts";
import { testPython } from "../support/python.ts";

let project: InstalledProject;
beforeAll(async () => {
  project = await installTarball();
  cpSync(fixture("package/use.ts"), join(project.folder, "use.ts"));
}, 120_000);
afterAll(() => project?.remove());

/** Runs the program to its end, which it must come to by itself, and returns what it printed. */
async function use(...command: [string, ...string[]]): Promise<unknown> {
  const [file, ...args] = command;
  const mark = randomUUID();
  const env = { ...process.env, GLIP_PYTHON: await testPython(), GLIP_TEST_MARK: mark };
  const running = promisify(execFile)(file, args, { cwd: project.folder, env, timeout: 60_000 });
  const { stdout, stderr } = await running;
  await expectNothingLeft({ mark, owner: running.child.pid ?? 0 });
  expect(stderr).toBe("");
  return JSON.parse(stdout);
}

const used = {
  sharedMemory: true,
  echoed: true,
  generated: [10_000_000, 2_499_999],
  counted: true,
  cancelled: "cancelled",
  late: "deadline_exceeded",
  python: [2, "worker_error"],
  missing: "worker_start_failed",
};

it("holds what users need, and nothing else", () => {
  const folders = new Set(
    project.files.map((path) =>
      path.startsWith("python/") ? path.split("/").slice(0, 2).join("/") : path.split("/")[0],
    ),
  );
  expect(folders).toEqual(
    new Set([
      "CHANGELOG.md",
      "LICENSE",
      "README.md",
      "bin",
      "dist",
      "docs",
      "models",
      "package.json",
      "python/glip_worker",
      "python/glipv2",
      "python/pyproject.toml",
      "python/requirements",
    ]),
  );
  expect(project.files).toEqual(
    expect.arrayContaining([
      "bin/glip.js",
      "dist/index.js",
      "dist/index.d.ts",
      "python/glip_worker/__main__.py",
      "python/requirements/base.txt",
      "python/requirements/torch.txt",
      "python/requirements/uv.txt",
    ]),
  );
  const unwanted = /__pycache__|\.pyc$|\.tsbuildinfo$|(^|\/)tests?\/|\.test\.|(^|\/)\.|node_modules/;
  expect(project.files.filter((path) => unwanted.test(path))).toEqual([]);
});

it("has types that a strict project compiles against, and works in Node over libzmq", { timeout: 90_000 }, async () => {
  const compilerOptions = {
    target: "es2022",
    module: "nodenext",
    lib: ["es2023", "esnext.disposable"],
    strict: true,
    exactOptionalPropertyTypes: true,
    types: ["node"],
    typeRoots: [join(root, "node_modules", "@types")],
    outDir: "compiled",
  };
  // Not tsconfig.json: Deno would read that too.
  writeFileSync(join(project.folder, "tsconfig.node.json"), JSON.stringify({ compilerOptions, files: ["use.ts"] }));
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", "tsconfig.node.json"], { cwd: project.folder });
  expect(await use(process.execPath, "compiled/use.js")).toMatchObject({ ...used, transport: "zeromq" });
});

it("works in Deno over its own ZMTP, types checked", { timeout: 90_000 }, async (context) => {
  const deno = runtimeProgram("deno");
  if (deno === undefined) return context.skip("deno is missing: npm ci installs it");
  const command = [deno, "run", "--quiet", "--check", "-A", "--node-modules-dir=manual", "use.ts"] as const;
  expect(await use(...command)).toMatchObject({ ...used, transport: "zmtp" });
});

it("works in Bun over its own ZMTP", { timeout: 90_000 }, async (context) => {
  const bun = runtimeProgram("bun");
  if (bun === undefined) return context.skip("bun is missing: npm ci installs it");
  expect(await use(bun, "run", "use.ts")).toMatchObject({ ...used, transport: "zmtp" });
});

it("leaves the installed package as it was", () => {
  const python = join(project.folder, "node_modules", "glip-sdk", "python");
  const made = readdirSync(python, { recursive: true, encoding: "utf8" }).filter((path) =>
    path.includes("__pycache__"),
  );
  expect(made).toEqual([]);
});

it("brings the command line", async () => {
  const npx = ["--no-install", "--loglevel=error", "glip", "--help"];
  const { stdout } = await promisify(execFile)("npx", npx, { cwd: project.folder });
  expect(stdout).toMatch(/^Usage: glip /);
  for (const command of ["setup", "doctor", "worker", "keys"])
    expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, "m"));
});
