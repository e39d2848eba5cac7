import { expect, it } from "vitest";
import { groupRows, type SweepRow } from "../../../src/training/sweep/rows.ts";
import { csvOf, markdownOf } from "../../../src/training/sweep/tables.ts";

function row(labels: Record<string, string>, metrics: SweepRow["metrics"], more: Partial<SweepRow> = {}): SweepRow {
  const name = Object.values(labels).join();
  const rest = { steps: 10, seconds: 1.5, checkpoint: "m.safetensors", error: null } as const;
  return { name, output: `/runs/${name}`, labels, ended: "completed", ...rest, metrics, ...more };
}

const failed = {
  ended: "failed",
  steps: null,
  seconds: null,
  checkpoint: null,
  error: { code: "out_of_memory", message: 'no "room",\nat all' },
} as const;
const rows = [
  row({ losses: "a|b", seed: "0" }, { AP: 0.25, APs: null }),
  row({ losses: "a|b", seed: "1" }, { AP: 0.75, APs: 0.5 }),
  row({ losses: "c", seed: "0" }, { AP: 0.125, "R@1": 1 }),
  row({ losses: "c", seed: "1" }, {}, failed),
];

it("means and deviations are of what ended well, and of metrics that all have", () => {
  const stopped = row({ losses: "c", seed: "2" }, { AP: 0.5, "R@1": 0 }, { ended: "stopped" });
  expect(groupRows([...rows, stopped], "seed")).toEqual([
    { labels: { losses: "a|b" }, runs: 2, metrics: { AP: { mean: 0.5, deviation: Math.sqrt(0.125) } } },
    {
      labels: { losses: "c" },
      runs: 1,
      metrics: { AP: { mean: 0.125, deviation: null }, "R@1": { mean: 1, deviation: null } },
    },
  ]);
});

it("CSV quotes what needs it", () => {
  expect(csvOf(rows).split("\r\n")).toEqual([
    "losses,seed,ended,steps,seconds,AP,APs,R@1,checkpoint,error",
    "a|b,0,completed,10,1.5,0.25,,,m.safetensors,",
    "a|b,1,completed,10,1.5,0.75,0.5,,m.safetensors,",
    "c,0,completed,10,1.5,0.125,,1,m.safetensors,",
    'c,1,failed,,,,,,,"no ""room"",\nat all"',
    "",
  ]);
});

it("Markdown has the groups, then the rows", () => {
  expect(markdownOf(rows, groupRows(rows, "seed"))).toBe(`\
| losses | runs | AP | APs | R@1 |
| --- | --- | --- | --- | --- |
| a\\|b | 2 | 0.500 ± 0.354 | – | – |
| c | 1 | 0.125 | – | 1.000 |

| losses | seed | ended | AP | APs | R@1 |
| --- | --- | --- | --- | --- | --- |
| a\\|b | 0 | completed | 0.250 | – | – |
| a\\|b | 1 | completed | 0.750 | 0.500 | – |
| c | 0 | completed | 0.125 | – | 1.000 |
| c | 1 | failed | – | – | – |
`);
});
