import { type Command, InvalidArgumentError } from "commander";

import { type ScenesProgress, writeScenes } from "../datasets/scenes/write.ts";

/** For logs and pipes: so often a line. */
const PLAIN_INTERVAL_MS = 10_000;
const LIVE_INTERVAL_MS = 100;
const INTERRUPTED = 130;

interface Flags {
  out: string;
  train?: number;
  val?: number;
  tune?: number;
  seed?: number;
  size?: number;
  json?: boolean;
}

export function addScenes(program: Command): void {
  program
    .command("scenes")
    .description("write the built-in data set: drawn pictures with boxes, masks, sentences and questions")
    .requiredOption("--out <dir>", "the folder to make; new or empty")
    .option("--train <n>", "pictures to train on (default: 2000)", integer)
    .option("--val <n>", "pictures of each split to evaluate on (default: 200)", integer)
    .option("--tune <n>", "pictures of each held-out split to fine-tune on (default: 0)", integer)
    .option("--seed <n>", "another seed gives other scenes (default: 0)", integer)
    .option("--size <pixels>", "width and height of the pictures (default: 256)", integer)
    .option("--json", "print JSON instead of text")
    .action(run);
}

async function run({ json, ...options }: Flags): Promise<void> {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", abort).once("SIGTERM", abort);
  const live = process.stderr.isTTY && json !== true;
  let shown = performance.now();
  const onProgress = (progress: ScenesProgress): void => {
    const last = progress.done === progress.total;
    if (!last && performance.now() - shown < (live ? LIVE_INTERVAL_MS : PLAIN_INTERVAL_MS)) return;
    shown = performance.now();
    if (json) return console.log(JSON.stringify({ progress }));
    process.stderr.write(live ? `\r\u001b[2K${describe(progress)}` : `${describe(progress)}\n`);
  };
  try {
    const result = await writeScenes({ ...options, signal: stop.signal, onProgress });
    if (live) process.stderr.write("\n");
    if (json) return console.log(JSON.stringify({ result }));
    const splits = Object.entries(result.splits).map(([split, count]) => `${split} ${count}`);
    console.log(`${result.out}: ${splits.join(", ")}`);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    if (live) process.stderr.write("\n");
    process.exitCode = INTERRUPTED;
  } finally {
    process.off("SIGINT", abort).off("SIGTERM", abort);
  }
}

function describe({ split, done, total, rate }: ScenesProgress): string {
  const left = Math.ceil((total - done) / Math.max(rate, 0.1));
  return `Drawing ${split}: ${done} of ${total} pictures, ${rate.toFixed(0)}/s${left > 0 ? `, ${left} s left` : ""}`;
}

function integer(value: string): number {
  if (!/^\d+$/.test(value)) throw new InvalidArgumentError(`Expected an integer >= 0.`);
  return Number(value);
}
