import type { Command } from "commander";

import type { Check } from "../environment/doctor/check.ts";
import { runDoctor } from "../environment/doctor/run-doctor.ts";

const SIGNS: Record<Check["status"], string> = { ok: "ok", warning: "warning", problem: "PROBLEM" };

interface Flags {
  python?: string;
  group: string[];
  home?: string;
  json?: boolean;
}

export function addDoctor(program: Command): void {
  program
    .command("doctor")
    .description("look at everything that glip stands on; exits with 1 when something needed is missing")
    .option("--python <path>", "the ready Python to look at, instead of GLIP_PYTHON or the managed environment")
    .option(
      "--group <name>",
      "also ask for this package group (repeatable)",
      (name: string, all: string[]) => [...all, name],
      [],
    )
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
    .option("--json", "print the checks as JSON")
    .action(async (flags: Flags) => {
      const checks = await runDoctor({ ...flags, groups: flags.group });
      console.log(flags.json ? JSON.stringify(checks, undefined, 2) : table(checks));
      if (checks.some(({ needed, status }) => needed && status === "problem")) process.exitCode = 1;
    });
}

/** Three columns; below a row that is not ok, what to do about it. */
function table(checks: Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const rows = checks.map(({ name, status, found, fix }) => {
    const indent = " ".repeat(width + 11);
    const lines = [found.replaceAll("\n", `\n${indent}`), ...(fix === undefined ? [] : [`-> ${fix}`])];
    return `${SIGNS[status].padEnd(7)}  ${name.padEnd(width)}  ${lines.join(`\n${indent}`)}`;
  });
  return rows.join("\n");
}
