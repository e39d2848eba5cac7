import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { requirementsDirectory } from "../../src/environment/home.ts";
import { lockEntries, readLock } from "../../src/environment/locks.ts";
import { fixture } from "./folders.ts";

/** Lock files with one small package each and no torch; `extra` is an optional group. */
export function writeTinyLocks(folder: string): string {
  const entries = lockEntries(readLock(requirementsDirectory, "dev"));
  const textOf = (name: string): string => entries.find((entry) => entry.name === name)?.text ?? "";
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "base.txt"), `${textOf("iniconfig")}\n`);
  writeFileSync(join(folder, "torch.txt"), "# none\n");
  writeFileSync(join(folder, "extra.txt"), `${textOf("pluggy")}\n`);
  cpSync(join(requirementsDirectory, "uv.txt"), join(folder, "uv.txt"));
  return folder;
}

/** Gives a lock another hash without changing what it pins. */
export function changeLock(folder: string, group: string): void {
  const path = join(folder, `${group}.txt`);
  writeFileSync(path, `${readFileSync(path, "utf8")}# changed\n`);
}

/** One line that `test/fixtures/setup.mjs` prints. */
export interface SetupLine {
  step?: string;
  state?: string;
  message?: string;
  result?: { python: string; directory: string; groups: string[]; changed: boolean };
  error?: { code: string; message: string };
}

export interface SetupProcess {
  child: ChildProcess;
  /** All lines, once the process has ended. */
  lines: Promise<SetupLine[]>;
}

/** Runs setup() in a process of its own; `onLine` hears each line at once. */
export function startSetup(
  options: object,
  env: Record<string, string>,
  onLine: (line: SetupLine, child: ChildProcess) => void = () => {},
): SetupProcess {
  const child = spawn(process.execPath, [fixture("setup.mjs"), JSON.stringify(options)], {
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const collect = async (): Promise<SetupLine[]> => {
    const lines: SetupLine[] = [];
    for await (const text of createInterface({ input: child.stdout })) {
      const line = JSON.parse(text) as SetupLine;
      lines.push(line);
      onLine(line, child);
    }
    return lines;
  };
  return { child, lines: collect() };
}
