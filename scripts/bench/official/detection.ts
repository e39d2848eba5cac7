/** detect() beside the official Python: from a picture's file to boxes, same weights, same picture, in turns. */
import { launch } from "glip-sdk";
import { median, row, type Row } from "../harness.ts";
import { files, Script, type Setting } from "./setting.ts";

const accelerate = ["short_text", "fusion", "deformable"] as const;
const categories = ["person", "cup", "dog", "red car", "traffic light"];

interface Found {
  boxes: number[][];
  scores: number[];
}

export async function measureDetection(setting: Setting): Promise<Row[]> {
  const { picture, weights } = files(setting);
  using script = new Script(setting, "direct.py", [weights, ...accelerate]);
  await script.read();
  await using glip = await launch({
    engine: "official",
    config: "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
    weights,
    settings: { "MODEL.ATSS.INFERENCE_TH": 0 },
    official: setting.checkout,
    accelerate: [...accelerate],
    interpreter: setting.python,
    device: "cpu",
    startTimeoutMs: 600_000,
  });
  const ours: number[] = [];
  const direct: number[] = [];
  let different = Number.NaN;
  // The first round pays for what is built on first use, and does not count.
  for (let round = -1; round < 2 * setting.rounds; round++) {
    const started = performance.now();
    const seen = await glip.detect(picture, categories, { threshold: 0 });
    const between = performance.now();
    const official = (await script.ask(picture)) as Found;
    if (round < 0) {
      different = countDifferent(
        seen.objects.map(({ box, score }) => [...box, score]),
        official.boxes.map((box, index) => [...box, official.scores[index] ?? Number.NaN]),
      );
      continue;
    }
    ours.push(between - started);
    direct.push(performance.now() - between);
  }
  return [
    row({
      what: "detect(), accelerated, GLIP-T, 800x800",
      ours: median(ours),
      reference: median(direct),
      unit: "ms",
      ratio: median(ours.map((value, round) => value / (direct[round] ?? Number.NaN))),
    }),
    row({
      what: "objects that differ from the official Python's",
      ours: different,
      unit: "",
      bar: { of: "ours", atMost: 0 },
    }),
  ];
}

/** Objects of either side that have no exact twin on the other; those of equal score may come in any order. */
function countDifferent(ours: number[][], theirs: number[][]): number {
  const left = theirs.map(String);
  const missing = ours.filter((one) => {
    const index = left.indexOf(String(one));
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
  return missing.length + left.length;
}
