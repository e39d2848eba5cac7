import { type Command, Option } from "commander";

import { setupOfficial } from "../environment/official/setup.ts";
import { setup } from "../environment/setup.ts";
import type { SetupProgress } from "../environment/steps.ts";
import { TORCH_CHOICES, type TorchChoice } from "../environment/torch-plan.ts";

interface Flags {
  torch?: TorchChoice;
  python?: string;
  group: string[];
  /** True when no directory follows it. */
  official?: string | true;
  allowModified?: boolean;
  home?: string;
  json?: boolean;
}

export function addSetup(program: Command): void {
  program
    .command("setup")
    .description("make the Python environment, or complete it; safe to run again at any time")
    .addOption(new Option("--torch <build>", "which PyTorch to install").choices(TORCH_CHOICES))
    .option("--python <path>", "the Python (>= 3.10) to make the environment from")
    .option("--group <name>", "also install this package group: official, dev (repeatable)", collect, [])
    .option(
      "--official [dir]",
      "also what the official engine needs: its packages, and its code (fetched, or yours in <dir>)",
    )
    .option("--allow-modified", "with --official: accept code that differs from the pinned commit")
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
    .option("--json", "print one JSON object a line instead of text")
    .action(run);
}

async function run(flags: Flags): Promise<void> {
  const print = flags.json ? printJson : process.stderr.isTTY ? printLive() : printPlain;
  const say = flags.json
    ? (message: string) => console.log(JSON.stringify({ message }))
    : (message: string) => console.error(message);
  const { official } = flags;
  const python = process.env["GLIP_PYTHON"];
  if (official !== undefined && python) say(`GLIP_PYTHON is set: ${python} is used as it is, only the code is set up.`);
  else {
    if (python) say("Warning: GLIP_PYTHON is set: launch() uses that Python, not the environment made here.");
    const groups = official === undefined ? flags.group : [...new Set([...flags.group, "official"])];
    const result = await setup({ ...flags, groups, onProgress: print, onMessage: say });
    if (flags.json) console.log(JSON.stringify({ result }));
    else say(`${result.changed ? "The Python environment is ready" : "Everything is in place"}: ${result.python}`);
  }
  if (official !== undefined) await makeOfficial(official === true ? undefined : official, flags, say);
}

/** After the environment: where the code cannot be had, everything else is in place. */
async function makeOfficial(official: string | undefined, flags: Flags, say: (message: string) => void): Promise<void> {
  const onProgress = process.stderr.isTTY && !flags.json ? showLine : undefined;
  const { home, allowModified } = flags;
  const result = await setupOfficial({ official, home, allowModified, onProgress, onMessage: say });
  if (flags.json) return console.log(JSON.stringify({ official: result }));
  onProgress?.("");
  const differs = result.modified.length === 0 ? "as published" : `changed: ${result.modified.join(", ")}`;
  say(`The official code is ready (${differs}): ${result.directory}`);
}

/** Replaces the last line of a terminal. */
function showLine(text: string): void {
  process.stderr.write(`\r\u001b[2K${text.slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1))}`);
}

const collect = (value: string, all: string[]): string[] => [...all, value];

function printJson(progress: SetupProgress): void {
  console.log(JSON.stringify(progress));
}

/** For logs and pipes: a line when a step begins, so that a slow one is not silence, and a line when it ends. */
function printPlain(progress: SetupProgress): void {
  console.error(describe(progress));
}

/** For a terminal: the line of a step that ended replaces the one that said it began. */
function printLive(): (progress: SetupProgress) => void {
  return (progress) => {
    showLine(describe(progress));
    if (progress.state !== "start") process.stderr.write("\n");
  };
}

function describe({ step, index, total, state, ms, message }: SetupProgress): string {
  const place = `[${index}/${total}] ${step}`;
  if (state === "start") return `${place}: ${message} ...`;
  return `${place}: ${state === "done" ? `${message} (${(ms / 1000).toFixed(1)} s)` : message}`;
}
