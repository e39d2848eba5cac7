/** detect() beside the official Python, same weights, both accelerated. */
import { launch } from "glip-sdk";
import { pairedRow, row, type Row } from "../harness.ts";
import { Detector } from "../lib/detector.ts";
import { measureOverhead } from "../lib/overhead.ts";
import { categories, files, type Setting } from "./setting.ts";

const accelerate = ["short_text", "fusion", "deformable"] as const;

export async function measureDetection(setting: Setting): Promise<Row[]> {
  const { picture, weights } = files(setting);
  const args = [weights, "--categories", ...categories, "--accelerate", ...accelerate];
  using python = await Detector.start(setting, "official/direct.py", args);
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
  const rounds = 2 * setting.rounds;
  const { ours, direct, different } = await measureOverhead(glip, python, { picture, categories }, { rounds });
  return [
    pairedRow({ what: "detect(), accelerated, GLIP-T, 800x800", ours, reference: direct, unit: "ms" }),
    row({
      what: "objects that differ from the official Python's",
      ours: different,
      unit: "",
      bar: { of: "ours", atMost: 0 },
    }),
  ];
}
