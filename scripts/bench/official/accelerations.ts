/** The official model plain and with each acceleration, in turns in one Python process. */
import { median, row, type Row } from "../harness.ts";
import { files, Script, type Setting } from "./setting.ts";

interface Measured {
  /** One number for each round. */
  seconds: Record<string, number[]>;
  /** The largest one of the scores against the plain model's; null when the number of objects differs. */
  difference: Record<string, number | null>;
}

export async function measureAccelerations(setting: Setting): Promise<Row[]> {
  const { picture, weights } = files(setting);
  const args = ["--rounds", String(setting.rounds), "--picture", picture, "--weights", weights];
  using script = new Script(setting, "accelerations.py", args);
  const { seconds, difference } = (await script.read()) as Measured;
  const plain = seconds["plain"] ?? [];
  return Object.entries(seconds)
    .filter(([name]) => name !== "plain")
    .flatMap(([name, ours]) => [
      row({
        what: `GLIP-T, 800x800, ${name}`,
        ours: median(ours),
        reference: median(plain),
        unit: "s",
        ratio: median(ours.map((value, round) => value / (plain[round] ?? Number.NaN))),
        bar: name === "all" ? { of: "ratio", atMost: 0.4 } : undefined,
      }),
      row({
        what: `largest difference of a score, ${name}`,
        ours: difference[name] ?? Number.NaN,
        unit: "",
        bar: { of: "ours", atMost: 1e-5 },
      }),
    ]);
}
