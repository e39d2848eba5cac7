/** Seconds of a step of GLIP-T in float32 on the CPU, both sides in turns, and that both make the same small. */
import { pairedRow, row, type Row } from "../harness.ts";
import type { Trainer } from "../lib/trainer.ts";
import { cpuBatch, type Setting, start, texts } from "./setting.ts";

type Text = keyof typeof texts;

export async function measureTimes(setting: Setting): Promise<Row[]> {
  using official = await start(setting, "official", cpuBatch);
  using native = await start(setting, "native", cpuBatch);
  const names = ["categories", "caption"] as const;
  const rows: Row[] = [];
  for (const text of names) rows.push(await differenceRow(native, official, text));
  for (const text of names) rows.push(...(await timeRows(native, official, text, setting.rounds)));
  return rows;
}

/** Before the first step: what each side drops in it differs, and so do the weights from then on. */
async function differenceRow(native: Trainer, official: Trainer, text: Text): Promise<Row> {
  const ours = await native.losses(text);
  const theirs = await official.losses(text);
  const differences = Object.entries(theirs).map(([name, value]) => Math.abs((ours[name] ?? Number.NaN) / value - 1));
  return row({
    what: `${texts[text]}: largest difference of a loss, of its value`,
    ours: Math.max(...differences),
    unit: "",
    bar: { of: "ours", atMost: 1e-4 },
  });
}

/** The first round pays for what is built on first use, and does not count. */
async function timeRows(native: Trainer, official: Trainer, text: Text, rounds: number): Promise<Row[]> {
  const seconds: Record<"native" | "official" | "unchecked", number[]> = { native: [], official: [], unchecked: [] };
  for (let round = -1; round < rounds; round++) {
    const configured = await official.step(text, true);
    const ours = await native.step(text);
    const unchecked = await official.step(text, false);
    if (round < 0) continue;
    seconds.official.push(configured.seconds);
    seconds.native.push(ours.seconds);
    seconds.unchecked.push(unchecked.seconds);
  }
  const what = `step, batch of ${cpuBatch.pictures}, ${cpuBatch.side}x${cpuBatch.side}, ${texts[text]}`;
  return [
    pairedRow({
      what,
      ours: seconds.native,
      reference: seconds.official,
      unit: "s",
      bar: { of: "ratio", atMost: 0.5 },
    }),
    pairedRow({
      what: `${what}, against official without gradient checkpointing`,
      ours: seconds.native,
      reference: seconds.unchecked,
      unit: "s",
    }),
  ];
}
