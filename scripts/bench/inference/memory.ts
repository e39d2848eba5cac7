/** The peak of resident memory of a process that loads GLIP-T and looks once. */
import { row, type Row } from "../harness.ts";
import type { Detector } from "../lib/detector.ts";
import { residentMegabytes } from "../lib/memory.ts";
import { categories, files, launchGlipT, type Setting, startNative, startOfficial } from "./setting.ts";

export async function measureMemory(setting: Setting): Promise<Row[]> {
  const { wide } = files(setting);
  const rows: Row[] = [];
  for (const pictures of [wide.slice(0, 1), wide]) {
    const official = await peakOf(await startOfficial(setting), pictures);
    const bar = official === undefined ? undefined : ({ of: "ratio", atMost: 0.7 } as const);
    const what = pictures.length === 1 ? "one picture" : `batch of ${pictures.length}`;
    const peak = (side: string, ours: number | undefined, limit?: typeof bar) =>
      row({
        what: `peak memory, GLIP-T, 800x1333, ${what}${side}`,
        ours: ours ?? Number.NaN,
        reference: official,
        unit: "MB",
        bar: limit,
      });
    rows.push(
      peak("", await peakOf(await startNative(setting), pictures), bar),
      peak(", freed memory given back", await peakOf(await startNative(setting, ["--give-freed"]), pictures)),
      peak(", the worker", await peakOfWorker(setting, pictures), bar),
    );
  }
  return rows;
}

async function peakOf(detector: Detector | undefined, pictures: readonly string[]): Promise<number | undefined> {
  if (detector === undefined) return undefined;
  using side = detector;
  await side.look(...pictures);
  return residentMegabytes(side.pid).peak;
}

/** Asked for all of them at once. It decides by itself how many share a pass. */
async function peakOfWorker(setting: Setting, pictures: readonly string[]): Promise<number> {
  await using glip = await launchGlipT(setting);
  await Promise.all(pictures.map((picture) => glip.detect(picture, categories, { threshold: 0 })));
  return residentMegabytes(glip.info.pid).peak;
}
