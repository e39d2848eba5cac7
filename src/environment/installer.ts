import { writeFileSync } from "node:fs";
import { join } from "node:path";

import { GlipError } from "../errors.ts";
import { type CommandResult, lastLines } from "./command.ts";
import { interpreterOf } from "./home.ts";
import { lockEntries, type PackageLock } from "./locks.ts";
import { splitTorchLock, type TorchPlan } from "./torch-plan.ts";

/** How long the probe of a build index waits to be connected. */
const PROBE_CONNECT_TIMEOUT_S = "5";

/** Variables that would change what gets installed, or where; a user's index, proxy and certificates are kept. */
const REMOVED = [
  ["PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "CONDA_PREFIX"],
  ["UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_TARGET", "UV_PREFIX", "UV_TORCH_BACKEND", "UV_NO_VERIFY_HASHES"],
  ["UV_CONSTRAINT", "UV_OVERRIDE", "UV_EXCLUDE_NEWER", "UV_EXCLUDE", "UV_VENV_CLEAR", "UV_VENV_SEED"],
  ["PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIREMENT", "PIP_CONSTRAINT", "PIP_NO_DEPS"],
].flat();

/** The environment for every tool that setup starts. */
export function toolEnvironment(base: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const kept = Object.entries(base).filter(([name]) => !REMOVED.includes(name));
  return { ...Object.fromEntries(kept), UV_PYTHON_DOWNLOADS: "never" };
}

/** Runs a tool with `env` added to the tool environment. */
export type RunTool = (file: string, args: string[], env?: Record<string, string>) => Promise<CommandResult>;

export interface Installer {
  uv: string;
  directory: string;
  run: RunTool;
}

/** Makes the virtual environment, emptying what may be there. */
export async function createVenv(installer: Installer, python: string): Promise<void> {
  await mustSucceed(installer, "venv", [
    "venv",
    "--quiet",
    "--clear",
    "--no-project",
    "--python",
    python,
    installer.directory,
  ]);
}

/**
 * Installs one lock as it is, every file verified by its hash. `reinstall` mends what a killed attempt left half
 * written; it costs little, because the files come from uv's cache.
 */
export async function installLock(
  installer: Installer,
  lock: PackageLock,
  options: { reinstall?: boolean } = {},
): Promise<void> {
  if (lockEntries(lock).length === 0) return;
  const flags = ["--require-hashes", ...(options.reinstall ? ["--reinstall"] : [])];
  await mustSucceed(installer, lock.group, install(installer, [...flags, "-r", lock.path]));
}

/**
 * Installs torch by the plan. A build index that cannot be reached is no failure: the locked build also runs on the
 * CPU. Says where the build came from, and the warning that goes with it.
 */
export async function installTorch(
  installer: Installer,
  lock: PackageLock,
  plan: TorchPlan,
): Promise<{ source: "default" | "build-index"; warning?: string }> {
  if (plan.backend === undefined || !lockEntries(lock).some(({ name }) => name === "torch")) {
    await installLock(installer, lock);
    return { source: "default" };
  }
  const { build, rest } = splitTorchLock(lock);
  const [buildFile, restFile] = [
    join(installer.directory, "torch-build.txt"),
    join(installer.directory, "torch-rest.txt"),
  ];
  writeFileSync(buildFile, `${build}\n`);
  writeFileSync(restFile, `${rest}\n`);
  const backend = ["--torch-backend", plan.backend, "-r", buildFile];
  const hasty = { UV_HTTP_RETRIES: "0", UV_HTTP_CONNECT_TIMEOUT: PROBE_CONNECT_TIMEOUT_S };
  const probe = await installer.run(installer.uv, install(installer, ["--dry-run", ...backend]), hasty);
  if (probe.exitCode !== 0) {
    await installLock(installer, lock);
    return {
      source: "default",
      warning: fallbackWarning(
        plan,
        lastLines(probe.stderr, 1)
          .trim()
          .replace(/^cause: /, ""),
      ),
    };
  }
  await mustSucceed(installer, "torch", install(installer, ["--require-hashes", "-r", restFile]));
  await mustSucceed(installer, "torch", install(installer, backend));
  return { source: "build-index" };
}

function fallbackWarning({ variant }: TorchPlan, reason: string): string {
  const consequence =
    variant === "cuda"
      ? "the locked CPU build was installed instead: the GPU will NOT be used"
      : "the locked CUDA build was installed instead: several GB larger, and it runs on the CPU as well";
  return `PyTorch's index of ${variant} builds cannot be reached (${reason}); ${consequence}`;
}

/** Locks list every package, so uv must not look for dependencies: a layer's own lie in the layers below it. */
function install(installer: Installer, rest: string[]): string[] {
  return ["pip", "install", "--quiet", "--python", interpreterOf(installer.directory), "--no-deps", ...rest];
}

async function mustSucceed({ uv, run }: Installer, step: string, args: string[]): Promise<void> {
  const result = await run(uv, args);
  if (result.exitCode === 0) return;
  const output = lastLines(result.stderr || result.stdout) || `uv ended with exit code ${result.exitCode}`;
  const message = `glip setup failed in the step \`${step}\`:\n${output}\nRun it again when this is mended: it continues where it stopped.`;
  throw new GlipError("setup_failed", message, { step, output });
}
