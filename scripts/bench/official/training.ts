/** Training steps through the SDK beside the same official script by hand, in turns: seconds of the script's own clock. */
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { coco, launch } from "glip-sdk";
import { median, row, type Row } from "../harness.ts";
import { runScript, scriptEnvironment } from "../lib/script.ts";
import type { Setting } from "./setting.ts";

/** The official script prints the median of its last 20 steps after each 20th one. */
const steps = 40; // one pass over the pictures of data.py
const window = 20;

/** A model of the official shape whose steps take part of a second, so that what surrounds them weighs most. */
const settings = {
  "MODEL.SWINT.EMBED_DIM": 32,
  "MODEL.SWINT.DEPTHS": [1, 1, 2, 1],
  "MODEL.SWINT.OUT_CHANNELS": [32, 64, 128, 256],
  "MODEL.SWINT.NUM_HEADS": [2, 2, 4, 4],
  "MODEL.BACKBONE.OUT_CHANNELS": 64,
  "MODEL.LANGUAGE_BACKBONE.LANG_DIM": 96,
  "MODEL.DYHEAD.CHANNELS": 64,
  "MODEL.DYHEAD.NUM_CONVS": 1,
  "MODEL.DYHEAD.FUSE_CONFIG.JOINT_EMB_SIZE": 64,
  "MODEL.GROUP_NORM.NUM_GROUPS": 16,
};

export async function measureTraining(setting: Setting): Promise<Row[]> {
  const folder = join(setting.directory, "training");
  runScript(setting, "official/data.py", [folder]);
  const ours: number[] = [];
  const byHand: number[] = [];
  for (let round = 0; round < setting.rounds; round++) {
    const run = await throughSdk(setting, folder, `sdk-${round}`);
    ours.push(run.seconds);
    byHand.push(await withoutSdk(setting, run.command, join(folder, `hand-${round}`)));
  }
  return [
    row({
      what: "training step, small model, 128x128, through the SDK",
      ours: median(ours),
      reference: median(byHand),
      unit: "s",
      // What else the machine does only ever adds: the fastest run of each side is what the two have to differ by.
      ratio: Math.min(...ours) / Math.min(...byHand),
      bar: { of: "ratio", atMost: 1.02 },
    }),
  ];
}

/** Median seconds of the last steps, and the command that ran. */
async function throughSdk(
  { python, checkout }: Setting,
  folder: string,
  name: string,
): Promise<{ seconds: number; command: string[] }> {
  await using glip = await launch({ engine: "official", official: checkout, interpreter: python, device: "cpu" });
  const run = glip.pretrain({
    config: "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
    weights: "random",
    textEncoder: join(folder, "bert"),
    settings,
    train: coco(join(folder, "instances.json"), join(folder, "images")),
    output: join(folder, name),
    epochs: 1,
    batchSize: 1,
    shortSides: [128],
    longSide: 128,
    readers: 0,
    warmupSteps: 0,
    ema: 0,
    mixedPrecision: false,
    gradientCheckpointing: false,
    seed: 1,
  });
  const seconds: number[] = [];
  let command: string[] = [];
  for await (const event of run) {
    if (event.type === "start") command = event.command;
    if (event.type === "step") seconds.push(event.seconds);
  }
  if (seconds.length !== steps) throw new Error(`expected ${steps} steps, got ${seconds.length}`);
  return { seconds: median(seconds.slice(-window)), command };
}

/** The same command with another output folder, in a shell's place: nobody listens but to what it prints. */
async function withoutSdk(setting: Setting, command: string[], output: string): Promise<number> {
  mkdirSync(output, { recursive: true });
  const [program = "", ...args] = command;
  const threads = String((await import("node:os")).availableParallelism());
  const env = { ...scriptEnvironment(setting), OMP_NUM_THREADS: threads };
  const child = spawn(program, [...args, "OUTPUT_DIR", output], { cwd: output, env });
  let printed = "";
  child.stdout.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  child.stderr.on("data", (bytes: Buffer) => (printed += bytes.toString()));
  const code = await new Promise((resolve) => child.once("close", resolve));
  const line = new RegExp(`iter: ${steps} .*? time: ([\\d.]+) `).exec(printed);
  if (code !== 0 || line === null)
    throw new Error(`the script by hand ended with ${String(code)}:\n${printed.slice(-3000)}`);
  return Number(line[1]);
}
