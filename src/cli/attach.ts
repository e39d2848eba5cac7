import type { Command } from "commander";
import { isGlipError } from "../errors.ts";
import { attachRun } from "../training/folder/attach.ts";
import { describeResult, watch } from "./view/watch.ts";
import { place } from "./view/words.ts";

interface Flags {
  stop?: boolean;
  checkpoint?: boolean;
  json?: boolean;
}

export function addAttach(program: Command): void {
  program
    .command("attach <run>")
    .description("watch a training in its folder; leaving it (Ctrl-C) leaves it running")
    .option("--stop", "ask it to end after its step, with a checkpoint, and do not watch")
    .option("--checkpoint", "ask it for a checkpoint, and do not watch")
    .option("--json", "print events and the result as JSON, one a line")
    .action(attach);
}

async function attach(folder: string, flags: Flags): Promise<void> {
  const run = attachRun(folder);
  if (flags.checkpoint) await run.checkpoint();
  if (flags.stop) await run.stop();
  if (flags.stop || flags.checkpoint) return;
  let left = false;
  const interrupt = (): string => {
    left = true;
    void run.cancel();
    return "It goes on";
  };
  try {
    const result = await watch(run, { title: place(run.output), json: flags.json, interrupt });
    console.log(flags.json ? JSON.stringify(result) : describeResult(result));
  } catch (error) {
    if (!left || !isGlipError(error, "cancelled")) throw error;
  }
}
