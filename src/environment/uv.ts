import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";

import { GlipError } from "../errors.ts";
import { type CommandResult, lastLines } from "./command.ts";
import { lockEntries, readLock } from "./locks.ts";

/** The first uv that has everything used here, `--torch-backend` above all. */
const MINIMUM_UV = [0, 8, 0] as const;

export interface UvOptions {
  home: string;
  requirements: string;
  /** The interpreter that fetches uv when there is none. */
  python: string;
  /** Runs a tool; rejects only when it cannot be started. */
  run: (file: string, args: string[]) => Promise<CommandResult>;
}

export interface Uv {
  path: string;
  version: string;
}

/**
 * A uv to install with: the one on PATH when it is new enough, else the pinned one in `<home>/tools`, which is fetched
 * with pip, hash verified, when it is not there yet or does not run.
 */
export async function findUv(options: UvOptions): Promise<Uv> {
  const onPath = await versionOf("uv", options);
  if (onPath !== undefined && isRecent(onPath)) return { path: "uv", version: onPath };

  const lock = readLock(options.requirements, "uv");
  const pinned = lockEntries(lock)[0]?.version ?? "";
  const tools = join(options.home, "tools", `uv-${pinned}`);
  const path = executableIn(tools);
  if (existsSync(path)) {
    const version = await versionOf(path, options);
    if (version !== undefined) return { path, version };
  }
  await fetchUv(tools, lock.path, options);
  const version = await versionOf(path, options);
  if (version === undefined) throw failed(`${path} was installed, but does not run`);
  return { path, version };
}

/** In a virtual environment; or, where the system's Python cannot make one (Debian without python3-venv), by `--target`. */
async function fetchUv(tools: string, lockPath: string, { python, run }: UvOptions): Promise<void> {
  rmSync(tools, { recursive: true, force: true }); // what a killed attempt may have left
  mkdirSync(tools, { recursive: true });
  const fetch = [
    "-m",
    "pip",
    "install",
    "--quiet",
    "--no-deps",
    "--require-hashes",
    "--only-binary",
    ":all:",
    "-r",
    lockPath,
  ];
  const canMakeVenv = (await run(python, ["-c", "import ensurepip, venv"])).exitCode === 0;
  const canPip = canMakeVenv || (await run(python, ["-m", "pip", "--version"])).exitCode === 0;
  if (!canPip) {
    throw failed(
      `${python} has neither venv with ensurepip nor pip. Install them (Debian, Ubuntu: \`apt install python3-venv\`), ` +
        `or put uv ${MINIMUM_UV.join(".")} or later on PATH, or choose another Python with --python`,
    );
  }
  if (canMakeVenv) {
    const made = await run(python, ["-m", "venv", tools]);
    if (made.exitCode !== 0) throw failed(lastLines(made.stderr || made.stdout));
  }
  const interpreter = canMakeVenv
    ? join(tools, process.platform === "win32" ? "Scripts/python.exe" : "bin/python")
    : python;
  const fetched = await run(interpreter, canMakeVenv ? fetch : [...fetch, "--target", tools]);
  if (fetched.exitCode !== 0) throw failed(lastLines(fetched.stderr || fetched.stdout));
}

async function versionOf(path: string, { run }: UvOptions): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await run(path, ["--version"]);
    return exitCode === 0 ? /^uv (\d+\.\d+\.\d+)/.exec(stdout)?.[1] : undefined;
  } catch {
    return undefined;
  }
}

function isRecent(version: string): boolean {
  const parts = version.split(".").map(Number);
  for (const [index, least] of MINIMUM_UV.entries()) {
    const part = parts[index] ?? 0;
    if (part !== least) return part > least;
  }
  return true;
}

/** A venv has it in bin or Scripts; `pip install --target` in bin, on Windows too. */
function executableIn(tools: string): string {
  if (process.platform !== "win32") return join(tools, "bin", "uv");
  const inVenv = join(tools, "Scripts", "uv.exe");
  return existsSync(join(tools, "bin", "uv.exe")) ? join(tools, "bin", "uv.exe") : inVenv;
}

function failed(output: string): GlipError {
  return new GlipError("setup_failed", `Cannot get uv, the installer: ${output}`, { step: "uv", output });
}
