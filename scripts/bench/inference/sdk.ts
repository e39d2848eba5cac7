/** What the SDK adds to the model: GLIP-T through detect() beside Python by itself. */
import { pairedRow, row, type Row } from "../harness.ts";
import { measureOverhead } from "../lib/overhead.ts";
import { categories, files, launchGlipT, type Setting, startNative } from "./setting.ts";

export async function measureSdk(setting: Setting): Promise<Row[]> {
  using python = await startNative(setting);
  await using glip = await launchGlipT(setting);
  const question = { picture: files(setting).square, categories };
  const { ours, direct, different } = await measureOverhead(glip, python, question, { rounds: 2 * setting.rounds });
  return [
    pairedRow({
      what: "GLIP-T, 800x800, detect() against Python",
      ours,
      reference: direct,
      unit: "ms",
      bar: { of: "ratio", atMost: 1.05 },
    }),
    row({
      what: "GLIP-T, 800x800, objects that differ from Python's",
      ours: different,
      unit: "",
      bar: { of: "ours", atMost: 0 },
    }),
  ];
}
