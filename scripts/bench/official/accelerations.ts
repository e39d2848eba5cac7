/** The official model plain and with each acceleration, in turns in one Python process. */
import { pairedRow, row, type Row } from "../harness.ts";
import { Script } from "../lib/script.ts";
import { categories, files, type Setting } from "./setting.ts";

interface Measured {
  /** One number for each round. */
  seconds: Record<string, number[]>;
  /** The largest one of the scores against the plain model's; null when the number of objects differs. */
  difference: Record<string, number | null>;
}

export async function measureAccelerations(setting: Setting): Promise<Row[]> {
  const { picture, weights } = files(setting);
  const args = [weights, picture, "--categories", ...categories, "--rounds", String(setting.rounds)];
  using script = new Script(setting, "official/accelerations.py", args);
  const { seconds, difference } = (await script.read()) as Measured;
  const plain = seconds["plain"] ?? [];
  return Object.entries(seconds)
    .filter(([name]) => name !== "plain")
    .flatMap(([name, ours]) => [
      pairedRow({
        what: `GLIP-T, 800x800, ${name}`,
        ours,
        reference: plain,
        unit: "s",
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
