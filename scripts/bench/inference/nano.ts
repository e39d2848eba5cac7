/** glip-nano: a picture in Python, through detect(), and right after launch(). */
import { launch } from "glip-sdk";
import { median, pairedRow, row, type Row } from "../harness.ts";
import { Detector } from "../lib/detector.ts";
import { measureLaunch } from "../lib/launch.ts";
import { measureOverhead } from "../lib/overhead.ts";
import { nano, type Setting } from "./setting.ts";

/** Of each side in a round. */
const calls = 10;

export async function measureNano(setting: Setting): Promise<Row[]> {
  return [...(await pictureRows(setting)), await launchRow(setting)];
}

async function pictureRows(setting: Setting): Promise<Row[]> {
  const args = [nano.weights, "--categories", ...nano.categories];
  using python = await Detector.start(setting, "inference/native.py", args);
  await using glip = await launch({ interpreter: setting.python, home: setting.home, device: "cpu" });
  const counts = { rounds: 4 * setting.rounds, calls };
  const { ours, direct, different } = await measureOverhead(glip, python, nano, counts);
  const added = ours.map((value, round) => value - (direct[round] ?? Number.NaN));
  return [
    row({ what: "glip-nano, Python", ours: median(direct), unit: "ms a picture", bar: { of: "ours", atMost: 40 } }),
    pairedRow({ what: "glip-nano, detect() against Python", ours, reference: direct, unit: "ms a picture" }),
    row({ what: "glip-nano, what detect() adds", ours: median(added), unit: "ms", bar: { of: "ours", atMost: 15 } }),
    row({
      what: "glip-nano, objects that differ from Python's",
      ours: different,
      unit: "",
      bar: { of: "ours", atMost: 0 },
    }),
  ];
}

async function launchRow(setting: Setting): Promise<Row> {
  const options = { interpreter: setting.python, home: setting.home, device: "cpu" };
  const rounds = Math.ceil(1.5 * setting.rounds);
  const { imports, launches } = await measureLaunch(options, rounds, (glip) =>
    glip.detect(nano.picture, nano.categories),
  );
  return pairedRow({
    what: "glip-nano, second launch() to first boxes, against import torch",
    ours: launches,
    reference: imports,
    unit: "ms",
    bar: { of: "ratio", atMost: 2 },
  });
}
