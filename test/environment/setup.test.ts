import { once } from "node:events";
import { appendFileSync, existsSync, mkdtempSync, readdirSync, rmSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

import { runCommand } from "../../src/environment/command.ts";
import { interpreterOf } from "../../src/environment/home.ts";
import { findPython } from "../../src/environment/python.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { setup } from "../../src/environment/setup.ts";
import type { SetupProgress } from "../../src/environment/steps.ts";
import { isGlipError, messageOf } from "../../src/errors.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { changeLock, startSetup, writeTinyLocks } from "../support/tiny-setup.ts";

const shared = mkdtempSync(join(tmpdir(), "glip-test-"));
/** A home whose uv the other tests find on PATH. */
const firstHome = join(shared, "home");
let python = "";
let pathWithUv = "";

beforeAll(async () => {
  requireBuild();
  python = (await findPython()).executable;
  const requirements = writeTinyLocks(join(shared, "requirements"));
  // An empty PATH, so that a uv of this machine is not found and the pinned one is fetched.
  vi.stubEnv("PATH", join(shared, "nothing"));
  const steps: SetupProgress[] = [];
  await setup({ home: firstHome, requirements, python, onProgress: (step) => steps.push(step) });
  vi.unstubAllEnvs();
  const uv = steps.find(({ step, state }) => step === "uv" && state === "done")?.message.split(", ")[1] ?? "";
  pathWithUv = [dirname(uv), process.env["PATH"]].join(delimiter);
}, 120_000);

afterAll(() => rmSync(shared, { recursive: true, force: true }));

/** A fresh home with tiny locks, and a uv on PATH. */
function fresh(): { home: string; requirements: string; python: string } {
  vi.stubEnv("PATH", pathWithUv);
  const folder = temporaryFolder();
  return { home: join(folder, "home"), requirements: writeTinyLocks(join(folder, "requirements")), python };
}

const imports = async (interpreter: string, module: string): Promise<boolean> =>
  (await runCommand(interpreter, ["-I", "-c", `import ${module}`])).exitCode === 0;

function stateOf(options: { home: string; requirements: string; groups: string[] }): string {
  try {
    resolveEnvironment({ home: options.home, requirements: options.requirements, groups: options.groups });
    return "finished";
  } catch (error) {
    return isGlipError(error) ? error.code : messageOf(error);
  }
}

test("without a uv on PATH the pinned one is fetched into the home", () => {
  expect(readdirSync(join(firstHome, "tools"))).toEqual([expect.stringMatching(/^uv-\d+\.\d+\.\d+$/)]);
  expect(resolveEnvironment({ home: firstHome, requirements: join(shared, "requirements") }).managed).toBe(true);
});

test("makes an environment, tells of every step, and has nothing to do the second time", async () => {
  const options = fresh();
  const progress: SetupProgress[] = [];
  const result = await setup({ ...options, groups: ["extra"], onProgress: (step) => progress.push(step) });
  expect(result).toMatchObject({ changed: true, groups: ["extra"], torch: { version: null } });
  expect(await imports(result.python, "iniconfig, pluggy")).toBe(true);
  const names = ["python", "uv", "venv", "base", "torch", "extra", "verify", "finish"];
  expect(progress.map(({ step, state }) => [step, state])).toEqual(
    names.flatMap((name) => [
      [name, "start"],
      [name, "done"],
    ]),
  );
  expect(progress.every(({ total, index, step }) => total === 8 && names[index - 1] === step)).toBe(true);
  expect(resolveEnvironment({ ...options, python: undefined, groups: ["extra"] })).toEqual({
    python: result.python,
    directory: result.directory,
    managed: true,
  });

  const start = performance.now();
  expect(await setup({ ...options, groups: ["extra"] })).toEqual({ ...result, changed: false });
  expect(performance.now() - start).toBeLessThan(1_500);
});

test("a relative home is where it was named", async () => {
  const options = fresh();
  const { directory } = await setup({ ...options, home: relative("", options.home) });
  expect(dirname(dirname(directory))).toBe(options.home);
});

test("a group is added to the environment in use, and kept up to date by a plain setup", async () => {
  const options = fresh();
  const { directory } = await setup(options);
  expect(() => resolveEnvironment({ ...options, python: undefined, groups: ["extra"] })).toThrow(
    "glip setup --group extra",
  );
  expect(await setup({ ...options, groups: ["extra"] })).toMatchObject({ directory, changed: true });
  changeLock(options.requirements, "extra");
  expect(await setup(options)).toMatchObject({ directory, changed: true, groups: ["extra"] });
  expect(await setup(options)).toMatchObject({ directory, changed: false, groups: ["extra"] });
});

test("a changed lock makes the environment stale, and setup makes a new one with the same groups", async () => {
  const options = fresh();
  const old = await setup({ ...options, groups: ["extra"] });
  changeLock(options.requirements, "base");
  const resolve = (): unknown => resolveEnvironment({ ...options, python: undefined });
  expect(resolve).toThrow(expect.objectContaining({ code: "environment_stale" }));
  const result = await setup(options);
  expect(result).toMatchObject({ changed: true, groups: ["extra"] });
  expect(result.directory).not.toBe(old.directory);
  expect(resolve()).toMatchObject({ directory: result.directory });
  expect(existsSync(old.python)).toBe(true);
});

test("an environment that lost its interpreter is made again", async () => {
  const options = fresh();
  const result = await setup(options);
  unlinkSync(interpreterOf(result.directory));
  expect(await setup(options)).toEqual(result);
  expect(await imports(result.python, "iniconfig")).toBe(true);
});

test("a file that does not have its locked hash is refused, and the next run continues", async () => {
  const options = fresh();
  const base = join(options.requirements, "base.txt");
  appendFileSync(base, `packaging==26.3 --hash=sha256:${"0".repeat(64)}\n`);
  const failed = setup(options);
  await expect(failed).rejects.toMatchObject({ code: "setup_failed", details: { step: "base" } });
  await expect(failed).rejects.toThrow(/hash/i);
  writeTinyLocks(options.requirements);
  expect(await setup(options)).toMatchObject({ changed: true });
});

test("an aborted setup rejects, and the next run continues", async () => {
  const options = fresh();
  const controller = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ step }: SetupProgress): void => {
    if (step === "base") controller.abort(reason);
  };
  await expect(setup({ ...options, signal: controller.signal, onProgress })).rejects.toMatchObject({
    code: "cancelled",
    cause: reason,
  });
  expect(await setup(options)).toMatchObject({ changed: true });
});

test("two at once take turns: one does the work, the other finds it done", async () => {
  const options = fresh();
  const runs = [startSetup(options, { PATH: pathWithUv }), startSetup(options, { PATH: pathWithUv })];
  const lines = await Promise.all(runs.map((run) => run.lines));
  const results = lines.map((own) => own.find(({ result }) => result)?.result);
  expect(results.map((result) => result?.changed)).toEqual(expect.arrayContaining([false, true]));
  const waiter = lines.find((own) => own.some(({ result }) => result?.changed === false));
  expect(waiter?.[0]?.message).toMatch(/^Waiting: another glip setup \(process \d+\) holds /);
}, 60_000);

describe.skipIf(process.platform === "win32")("kill -9", () => {
  test.each(["uv", "venv", "base", "extra", "verify", "finish"])(
    "in the step %s leaves nothing that counts as finished, and the next run completes it",
    async (step) => {
      const options = { ...fresh(), groups: ["extra"] };
      const run = startSetup(options, { PATH: pathWithUv }, (line, child) => {
        if (line.step === step && line.state === "start") child.kill("SIGKILL");
      });
      await once(run.child, "exit");
      // At the very end the marker may have been written before the signal came; then all of it must be there.
      const allowed =
        step === "verify" || step === "finish" ? ["environment_missing", "finished"] : ["environment_missing"];
      expect(allowed).toContain(stateOf(options));
      const result = await setup(options);
      expect(await imports(result.python, "iniconfig, pluggy")).toBe(true);
      expect(readdirSync(options.home).sort()).toEqual(["environments"]);
    },
    60_000,
  );
});
