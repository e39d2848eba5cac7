/** What the parts of the benchmark share. */
import { join } from "node:path";
import { runScript } from "../lib/script.ts";
import { Trainer } from "../lib/trainer.ts";

export interface Setting {
  python: string;
  /** The official code. */
  checkout: string;
  /** For whatever has to lie in a file; removed at the end. */
  directory: string;
  /** How often everything is measured. */
  rounds: number;
}

/** A batch: so many square pictures of this side. */
export interface Batch {
  pictures: number;
  side: number;
}

/** On the CPU: both sides are in memory at once. */
export const cpuBatch: Batch = { pictures: 2, side: 480 };
export const gpuBatch: Batch = { pictures: 4, side: 800 };

/** Names of texts in the batch's file (batch.py): as long a one as detection data gives, and a caption. */
export const texts = { categories: "80 categories", caption: "a caption" } as const;

/** GLIP-T's, for both sides. */
export function weightsOf({ directory }: Setting): string {
  return join(directory, "random.pth");
}

export function fileOf({ directory }: Setting, { pictures, side }: Batch): string {
  return join(directory, `batch-${pictures}-${side}.json`);
}

/** Writes weights and batches. */
export function prepareFiles(setting: Setting): void {
  runScript(setting, "official/weights.py", [weightsOf(setting)]);
  for (const batch of [cpuBatch, gpuBatch]) {
    const pictures = Array.from({ length: batch.pictures }, (_, index) =>
      join(setting.directory, `${batch.side}-${index}.png`),
    );
    runScript(setting, "lib/noise.py", [String(batch.side), String(batch.side), ...pictures]);
    runScript(setting, "training/batch.py", [fileOf(setting, batch), String(batch.side), ...pictures]);
  }
}

export function start(
  setting: Setting,
  side: "native" | "official",
  batch: Batch,
  args: readonly string[] = [],
): Promise<Trainer> {
  return Trainer.start(setting, `training/${side}.py`, [weightsOf(setting), fileOf(setting, batch), ...args]);
}
