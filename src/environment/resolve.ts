import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

import { GlipError } from "../errors.ts";
import { environmentsDirectory, glipHome, interpreterOf, requirementsDirectory } from "./home.ts";
import { checkGroups, readLock, REQUIRED_GROUPS } from "./locks.ts";
import { listEnvironments } from "./marker.ts";

export interface ResolveOptions {
  /** An interpreter that already has the packages; used as it is. @default GLIP_PYTHON, then the managed environment */
  python?: string | undefined;
  /** @default GLIP_HOME, then the user's cache directory */
  home?: string | undefined;
  /** Optional groups that the environment must have, e.g. `["official"]`. @default [] */
  groups?: string[] | undefined;
  /** The folder of the lock files. @default the one that this package ships */
  requirements?: string | undefined;
}

export interface ResolvedEnvironment {
  /** The interpreter to start; a bare name is looked up on PATH by whoever starts it. */
  python: string;
  /** The environment's folder; undefined when it is not one of ours. */
  directory: string | undefined;
  /** Whether `glip setup` made it. */
  managed: boolean;
}

/**
 * Says which Python to start. Reads a few small files and starts nothing (about a millisecond), so that every launch
 * can afford it. Throws `environment_missing` when `glip setup` was never finished, `environment_stale` when what it
 * made does not fit this package's lock files or lacks a group, `python_not_found` when `python` names no file.
 */
export function resolveEnvironment(options: ResolveOptions = {}): ResolvedEnvironment {
  const python = options.python ?? (process.env["GLIP_PYTHON"] || undefined);
  if (python !== undefined) return unmanaged(python, options.python === undefined ? "GLIP_PYTHON" : "options.python");

  const home = glipHome(options.home);
  const requirements = options.requirements ?? requirementsDirectory;
  const groups = options.groups ?? [];
  checkGroups(requirements, groups);
  const command = ["npx glip setup", ...groups.map((group) => `--group ${group}`)].join(" ");
  const environments = listEnvironments(home);
  const path = environmentsDirectory(home);
  if (environments.length === 0) {
    const message = `There is no Python environment in ${path} yet. Run \`${command}\`.`;
    throw new GlipError("environment_missing", message, { path });
  }
  let candidates = environments;
  for (const group of [...REQUIRED_GROUPS, ...groups]) {
    const { hash } = readLock(requirements, group);
    const fitting = candidates.filter(({ marker }) => marker.groups[group] === hash);
    if (fitting.length === 0)
      throw stale(candidates[0]?.directory ?? path, group, hash, candidates[0]?.marker.groups[group], command);
    candidates = fitting;
  }
  const directory = candidates[0]?.directory ?? path;
  return { python: interpreterOf(directory), directory, managed: true };
}

function unmanaged(python: string, name: string): ResolvedEnvironment {
  if (isAbsolute(python) && !existsSync(python)) {
    const message = `${name} is ${python}, but there is no such file. Correct it, or leave it out and run \`npx glip setup\`.`;
    throw new GlipError("python_not_found", message, {
      tried: [`${python}: no such file`],
      required: "an existing interpreter",
    });
  }
  return { python, directory: undefined, managed: false };
}

function stale(path: string, group: string, expected: string, found: string | undefined, command: string): GlipError {
  const what =
    found === undefined
      ? `lacks the package group ${group}`
      : `was made for another version of the package group ${group}`;
  const message = `The Python environment in ${path} ${what}. Run \`${command}\`.`;
  return new GlipError("environment_stale", message, { path, expected, received: found ?? "nothing" });
}
