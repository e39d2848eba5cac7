/** GLIP-T on a GPU: pictures a second in bfloat16 batches, beside the official code in float32, one by one. */
import { pairedRow, row, type Row } from "../harness.ts";
import { type Answer, inTurns, largestDifference, secondsOf } from "../lib/detector.ts";
import { hasCuda } from "../lib/cuda.ts";
import { files, type Setting, startNative, startOfficial } from "./setting.ts";

/** Without CUDA, nothing. */
export async function measureGpu(setting: Setting): Promise<Row[]> {
  if (!hasCuda(setting)) return [];
  const { wide } = files(setting);
  const one = wide.slice(0, 1);
  using official = await startOfficial(setting, ["--device", "cuda"]);
  using full = await startNative(setting, ["--device", "cuda"]);
  using half = await startNative(setting, ["--device", "cuda", "--dtype", "bfloat16"]);
  const answers = await inTurns(
    {
      official: official && (() => official.look(...one)),
      full: () => full.look(...one),
      half: () => half.look(...wide, ...wide),
    },
    { rounds: 5 * setting.rounds },
  );
  const reference = answers.official;
  const difference = largestDifference(
    answers.half.at(-1)?.pictures.slice(0, 1) ?? [],
    answers.full.at(-1)?.pictures ?? [],
  );
  return [
    ...speedRows("GLIP-T, 800x1333, GPU, bfloat16, batch of 8", answers.half, reference),
    row({
      what: "GLIP-T, 800x1333, GPU, bfloat16 to float32: largest difference of a score",
      ours: difference,
      unit: "",
    }),
    ...speedRows("GLIP-T, 800x1333, GPU, float32, one by one", answers.full, reference),
  ];
}

/** From files to objects, and without reading and preparing the pictures, which is the CPU's work. */
function speedRows(what: string, ours: readonly Answer[], official: readonly Answer[]): Row[] {
  const speeds = (name: string, seconds: (answer: Answer) => number): Row => {
    const each = (answer: Answer): number => answer.pictures.length / seconds(answer);
    const reference = official.length > 0 ? official.map(each) : undefined;
    return pairedRow({ what: name, ours: ours.map(each), reference, unit: "pictures/s" });
  };
  return [speeds(what, secondsOf), speeds(`${what}, prepared`, ({ looking }) => looking)];
}
