import { type Command, Option } from "commander";

import { setup } from "../environment/setup.ts";
import type { SetupProgress } from "../environment/steps.ts";
import { TORCH_CHOICES, type TorchChoice } from "../environment/torch-plan.ts";

interface Flags {
  torch?: TorchChoice;
  python?: string;
  group: string[];
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
    .option("--home <dir>", "where everything is kept, instead of GLIP_HOME or the user's cache directory")
    .option("--json", "print one JSON object a line instead of text")
    .action(async (flags: Flags) => {
      const print = flags.json ? printJson : process.stderr.isTTY ? printLive() : printPlain;
      const say = flags.json
        ? (message: string) => console.log(JSON.stringify({ message }))
        : (message: string) => console.error(message);
      if (process.env["GLIP_PYTHON"])
        say("Warning: GLIP_PYTHON is set: launch() uses that Python, not the environment made here.");
      const result = await setup({ ...flags, groups: flags.group, onProgress: print, onMessage: say });
      if (flags.json) console.log(JSON.stringify({ result }));
      else
        console.error(
          `${result.changed ? "The Python environment is ready" : "Everything is in place"}: ${result.python}`,
        );
    });
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
    const line = describe(progress).slice(0, Math.max(20, (process.stderr.columns ?? 80) - 1));
    const keep = progress.state !== "start";
    process.stderr.write(`\r\u001b[2K${line}${keep ? "\n" : ""}`);
  };
}

function describe({ step, index, total, state, ms, message }: SetupProgress): string {
  const place = `[${index}/${total}] ${step}`;
  if (state === "start") return `${place}: ${message} ...`;
  return `${place}: ${state === "done" ? `${message} (${(ms / 1000).toFixed(1)} s)` : message}`;
}
