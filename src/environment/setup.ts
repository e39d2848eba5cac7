import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

import { runCommand } from "./command.ts";
import { environmentsDirectory, glipHome, interpreterOf, requirementsDirectory } from "./home.ts";
import { createVenv, installLock, type Installer, installTorch, type RunTool, toolEnvironment } from "./installer.ts";
import { checkGroups, optionalGroups, type PackageLock, readLock } from "./locks.ts";
import { listEnvironments, type Marker, readMarker, writeMarker } from "./marker.ts";
import { probeEnvironment } from "./probe-environment.ts";
import { findPython } from "./python.ts";
import { acquireSetupLock } from "./setup-lock.ts";
import { type SetupProgress, Steps } from "./steps.ts";
import { planTorch, type TorchChoice, type TorchVariant } from "./torch-plan.ts";
import { findUv } from "./uv.ts";

export interface SetupOptions {
  /** The Python to make the environment from. @default the environment in use keeps its own; else the newest found */
  python?: string | undefined;
  /** Which PyTorch. @default the environment in use keeps its own; else `auto` */
  torch?: TorchChoice | undefined;
  /** Optional package groups: `official`, `dev`. What an environment has it keeps. @default [] */
  groups?: string[] | undefined;
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** The folder of the lock files. @default the one that this package ships */
  requirements?: string | undefined;
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: SetupProgress) => void) | undefined;
  /** Hears warnings, and who is waited for. */
  onMessage?: ((message: string) => void) | undefined;
}

export interface SetupResult {
  /** The environment's interpreter. */
  python: string;
  directory: string;
  /** Optional groups that it now has. */
  groups: string[];
  torch: Marker["torch"];
  /** False when everything was there already. */
  changed: boolean;
}

/**
 * Makes the Python environment, or completes it; run again it does only what is missing. Two at once take turns. Killed
 * at any moment it leaves nothing that a later run takes for finished. Throws `python_not_found`, `setup_failed`,
 * `unsupported` (a torch build that the platform cannot have) and `invalid_argument`.
 */
export async function setup(options: SetupOptions = {}): Promise<SetupResult> {
  const home = glipHome(options.home);
  const requirements = options.requirements ?? requirementsDirectory;
  const asked = options.groups ?? [];
  checkGroups(requirements, asked);
  const say = options.onMessage ?? (() => {});
  const lock = await acquireSetupLock(join(home, "setup.lock"), {
    signal: options.signal,
    onWait: (holder) => say(`Waiting: ${holder}.`),
  });
  try {
    const env = toolEnvironment();
    const run: RunTool = (file, args, extra) =>
      // In the home, so that no uv or pip settings of the user's project are picked up.
      runCommand(file, args, {
        env: { ...env, ...extra },
        cwd: home,
        signal: options.signal,
        onSpawn: (pid) => lock.recordChild(pid),
      });
    return await make({ ...options, home, requirements, asked, say, run });
  } finally {
    lock.release();
  }
}

interface Task extends SetupOptions {
  home: string;
  requirements: string;
  asked: string[];
  say: (message: string) => void;
  run: RunTool;
}

async function make(task: Task): Promise<SetupResult> {
  const { home, requirements, asked, run } = task;
  const base = readLock(requirements, "base");
  const torch = readLock(requirements, "torch");
  // Also when the locks have changed since: an update of this package keeps what the user had chosen.
  const inUse = listEnvironments(home)[0]?.marker;
  const plan = planTorch(task.torch ?? inUse?.torch.variant ?? "auto");
  const kept = optionalGroups(requirements).filter((group) => inUse?.groups[group] !== undefined);
  const groups = [...new Set([...kept, ...asked])];
  const steps = new Steps(["python", "uv", "venv", "base", "torch", ...groups, "verify", "finish"], task.onProgress);

  const python = await steps.run(
    "python",
    "Looking for Python",
    () => findPython({ python: task.python, preferred: inUse?.python.base, signal: task.signal }),
    ({ version, executable }) => `Python ${version}, ${executable}`,
  );
  const directory = join(environmentsDirectory(home), environmentName(base, torch, plan.variant, python.minor));
  const existing = readMarker(directory);
  const layers = groups.map((group) => readLock(requirements, group));
  const missing = layers.filter((layer) => !existing || !hasLock(existing, layer));
  const done = { python: interpreterOf(directory), directory, groups };

  if (existing && missing.length === 0) {
    for (const step of ["uv", "venv", "base", "torch", ...groups, "verify"]) steps.skip(step, "nothing to do");
    writeMarker(directory, { ...existing, selectedAt: new Date().toISOString() });
    steps.skip("finish", `ready in ${directory}`);
    return { ...done, torch: existing.torch, changed: false };
  }

  const uv = await steps.run(
    "uv",
    "Looking for uv",
    () => findUv({ home, requirements, python: python.executable, run }),
    ({ version, path }) => `uv ${version}, ${path}`,
  );
  const installer: Installer = { uv: uv.path, directory, run };
  let source = existing?.torch.source ?? "default";
  if (existing) {
    for (const step of ["venv", "base", "torch"]) steps.skip(step, "nothing to do");
  } else {
    mkdirSync(environmentsDirectory(home), { recursive: true });
    await steps.run(
      "venv",
      "Making the environment",
      () => createVenv(installer, python.executable),
      () => directory,
    );
    await steps.run(
      "base",
      "Installing the base packages",
      () => installLock(installer, base),
      () => "installed",
    );
    const installed = await steps.run(
      "torch",
      `Installing PyTorch (${plan.variant}); the first time this downloads up to a few GB`,
      () => installTorch(installer, torch, plan),
      (result) => (result.source === "default" ? "the locked build" : `the ${plan.variant} build`),
    );
    if (installed.warning !== undefined) task.say(`Warning: ${installed.warning}.`);
    source = installed.source;
  }
  for (const layer of layers) {
    if (!missing.includes(layer)) steps.skip(layer.group, "nothing to do");
    // On a finished environment a killed attempt may have left this layer half written.
    else
      await steps.run(
        layer.group,
        `Installing the group ${layer.group}`,
        () => installLock(installer, layer, { reinstall: existing !== undefined }),
        () => "installed",
      );
  }
  const facts = await steps.run(
    "verify",
    "Importing the packages",
    () => probeEnvironment(done.python, [base, torch], run),
    ({ torch: version, device }) => (version === null ? "imports work" : `torch ${version} on ${device}`),
  );
  if (plan.variant === "cuda" && facts.torch !== null && facts.memory === null)
    task.say(`Warning: torch ${facts.torch} sees no CUDA device; it will run on the CPU.`);

  const marker: Marker = {
    format: 1,
    groups: Object.fromEntries([base, torch, ...layers].map(({ group, hash }) => [group, hash])),
    python: { version: python.version, base: python.executable },
    torch: { variant: plan.variant, source, version: facts.torch, cuda: facts.cuda },
    selectedAt: new Date().toISOString(),
  };
  await steps.run(
    "finish",
    "Writing the marker",
    async () => writeMarker(directory, marker),
    () => `ready in ${directory}`,
  );
  return { ...done, torch: marker.torch, changed: true };
}

const hasLock = (marker: Marker, { group, hash }: PackageLock): boolean => marker.groups[group] === hash;

/** A new lock, another torch or another Python gets an environment of its own; the old one stays usable meanwhile. */
function environmentName(base: PackageLock, torch: PackageLock, variant: TorchVariant, minor: string): string {
  return createHash("sha256").update([base.text, torch.text, variant, minor].join("\0")).digest("hex").slice(0, 12);
}
