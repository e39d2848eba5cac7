import { existsSync, readdirSync } from "node:fs";
import { freemem, totalmem } from "node:os";
import { join } from "node:path";

import { isGlipError, messageOf } from "../../errors.ts";
import { throwIfCancelled } from "../cancelled.ts";
import { runCommand } from "../command.ts";
import { REQUIRED_GROUPS, lockEntries, normalName, readLock } from "../locks.ts";
import { toolEnvironment } from "../installer.ts";
import { type Marker, readMarker } from "../marker.ts";
import { probeEnvironment } from "../probe-environment.ts";
import { type ResolvedEnvironment, resolveEnvironment, type ResolveOptions } from "../resolve.ts";
import { hasNvidiaDriver } from "../torch-plan.ts";
import { type Check, gigabytes, ok, problem } from "./check.ts";

/** The first import of torch from a cold disk takes its time. */
const PROBE_TIMEOUT_MS = 120_000;
const SETUP = "Run `npx glip setup`.";

/** Everything that can be said about the environment which `launch()` would use. */
export async function checkEnvironment(
  options: ResolveOptions & { requirements: string; signal?: AbortSignal | undefined },
): Promise<Check[]> {
  let environment: ResolvedEnvironment;
  try {
    environment = resolveEnvironment(options);
  } catch (error) {
    const fix = isGlipError(error, "python_not_found") ? "Correct GLIP_PYTHON or --python." : SETUP;
    return [problem("environment", true, messageOf(error), fix)];
  }
  const { python, directory } = environment;
  const marker = directory === undefined ? undefined : readMarker(directory);
  const checks = [ok("environment", true, directory ?? `${python}, which is not managed by glip setup`)];
  if (directory !== undefined && marker) checks.push(checkPackages(directory, marker, options.requirements));
  return [...checks, ...(await checkTorch(python, options.requirements, marker, options.signal))];
}

/** Compares what is installed with the locks. A package with a marker may rightly be absent: markers are not evaluated. */
function checkPackages(directory: string, marker: Marker, requirements: string): Check {
  const installed = installedVersions(directory);
  const groups = Object.keys(marker.groups).filter((group) => existsSync(join(requirements, `${group}.txt`)));
  const allowed = new Map<string, { versions: Set<string>; always: boolean }>();
  for (const entry of groups.flatMap((group) => lockEntries(readLock(requirements, group)))) {
    const known = allowed.get(entry.name) ?? { versions: new Set(), always: false };
    known.versions.add(entry.version);
    allowed.set(entry.name, { ...known, always: known.always || entry.marker === undefined });
  }
  const differences: string[] = [];
  for (const [name, { versions, always }] of allowed) {
    // A build from another index adds a local version, as in 2.9.0+cpu.
    const version = installed.get(name)?.split("+")[0];
    if (version === undefined ? always : !versions.has(version))
      differences.push(`${name} ${version ?? "is missing"} (locked: ${[...versions].join(" or ")})`);
  }
  const stale = groups.filter((group) => marker.groups[group] !== readLock(requirements, group).hash);
  if (stale.length > 0)
    return problem("packages", false, `made for another version of the group ${stale.join(", ")}`, SETUP);
  if (differences.length === 0) return ok("packages", true, `${allowed.size} as locked (${groups.join(", ")})`);
  return problem("packages", true, differences.join("; "), `Delete ${directory} and run \`npx glip setup\`.`);
}

/** Package -> version, by the names of the `.dist-info` folders. */
function installedVersions(directory: string): Map<string, string> {
  const lib = join(directory, process.platform === "win32" ? "Lib" : "lib");
  const inLib = existsSync(lib) ? readdirSync(lib) : [];
  const folder = process.platform === "win32" ? "" : (inLib.find((name) => /^python3\.\d+/.test(name)) ?? "");
  const sitePackages = join(lib, folder, "site-packages");
  const found = new Map<string, string>();
  for (const name of existsSync(sitePackages) ? readdirSync(sitePackages) : []) {
    const match = /^(.+)-([^-]+)\.dist-info$/.exec(name);
    if (match?.[1] && match[2]) found.set(normalName(match[1]), match[2]);
  }
  return found;
}

async function checkTorch(
  python: string,
  requirements: string,
  marker: Marker | undefined,
  signal: AbortSignal | undefined,
): Promise<Check[]> {
  const locks = REQUIRED_GROUPS.map((group) => readLock(requirements, group));
  try {
    const facts = await probeEnvironment(python, locks, (file, args) =>
      runCommand(file, args, { env: toolEnvironment(), signal, timeoutMs: PROBE_TIMEOUT_MS }),
    );
    if (facts.torch === null) return [];
    const build = facts.cuda === null ? "without CUDA" : `for CUDA ${facts.cuda}`;
    return [ok("torch", true, `${facts.torch}, ${build}`), checkDevice(facts.device, facts.memory, marker)];
  } catch (error) {
    throwIfCancelled(signal);
    const fix = marker
      ? `Delete the environment and run \`npx glip setup\`.`
      : "Install the packages of python/requirements into this Python.";
    return [problem("torch", true, messageOf(error), fix)];
  }
}

function checkDevice(device: string, memory: [free: number, total: number] | null, marker: Marker | undefined): Check {
  if (memory) return ok("device", false, `${device}, ${gigabytes(memory[1])} (${gigabytes(memory[0])} free)`);
  const found = `${device}, ${gigabytes(totalmem())} memory (${gigabytes(freemem())} free)`;
  if (!hasNvidiaDriver()) return ok("device", false, found);
  if (marker && marker.torch.variant !== "cuda")
    return problem("device", false, `${found}, though there is an NVIDIA driver`, "Run `npx glip setup --torch cuda`.");
  return problem(
    "device",
    false,
    `${found}: torch sees no CUDA device`,
    "Run nvidia-smi, and update the driver if it is older than torch's CUDA.",
  );
}
