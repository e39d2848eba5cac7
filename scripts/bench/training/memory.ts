/** The peak of resident memory of a process that loads GLIP-T and takes three steps. */
import { row, type Row } from "../harness.ts";
import { residentMegabytes } from "../lib/memory.ts";
import type { Trainer } from "../lib/trainer.ts";
import { cpuBatch, type Setting, start, texts } from "./setting.ts";

const text = "categories";

/** The optimizer has its memory after the first. */
const steps = 3;

export async function measureMemory(setting: Setting): Promise<Row[]> {
  const configured = await peakOf(await start(setting, "official", cpuBatch), true);
  const unchecked = await peakOf(await start(setting, "official", cpuBatch), false);
  const native = await peakOf(await start(setting, "native", cpuBatch));
  const checkpointed = await peakOf(await start(setting, "native", cpuBatch, ["--checkpointing"]));
  const what = `peak memory, batch of ${cpuBatch.pictures}, ${cpuBatch.side}x${cpuBatch.side}, ${texts[text]}`;
  return [
    row({ what, ours: native, reference: configured, unit: "MB", bar: { of: "ratio", atMost: 0.8 } }),
    row({
      what: `${what}, against official without gradient checkpointing`,
      ours: native,
      reference: unchecked,
      unit: "MB",
    }),
    row({ what: `${what}, with gradient checkpointing`, ours: checkpointed, reference: configured, unit: "MB" }),
  ];
}

async function peakOf(trainer: Trainer, checkpointing = false): Promise<number> {
  using process = trainer;
  for (let step = 0; step < steps; step++) await process.step(text, checkpointing);
  return residentMegabytes(process.pid).peak;
}
