import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { collectOption, merge, readOptions } from "../../src/cli/run-options.ts";
import { temporaryFolder } from "../support/folders.ts";

describe("options of the API on the command line", () => {
  it.each([
    [["ema=0.5"], { ema: 0.5 }],
    [["schedule=steps", "milestones=[0.5]"], { schedule: "steps", milestones: [0.5] }],
    [["losses.inter=0.5", "losses.mlm=1"], { losses: { inter: 0.5, mlm: 1 } }],
    [["losses=1", "losses.mlm=1"], { losses: { mlm: 1 } }],
    [["output=a=b"], { output: "a=b" }],
    [["evaluateBefore=true", "seed=1", "seed=2"], { evaluateBefore: true, seed: 2 }],
  ])("%j are %j", (given, expected) => {
    expect(given.reduce<Record<string, unknown>>((all, one) => collectOption(one, all), {})).toEqual(expected);
  });

  it.each(["ema", "=1", "a..b=1", "a b=1"])("%s is none", (given) => {
    expect(() => collectOption(given)).toThrow("expected KEY=VALUE or KEY.KEY=VALUE");
  });

  it("later ones count, and undefined says nothing", () => {
    const before = { seed: 1, losses: { inter: 1 }, train: [1, 2] };
    expect(merge(before, { seed: undefined, losses: { mlm: 1 }, train: [3] })).toEqual({
      seed: 1,
      losses: { inter: 1, mlm: 1 },
      train: [3],
    });
    expect(before).toEqual({ seed: 1, losses: { inter: 1 }, train: [1, 2] });
  });

  it("have datasets as a whole", () => {
    const before = { val: { format: "odvg", annotations: "a.jsonl", labels: "labels.json" } };
    const later = { format: "odvg", annotations: "b.jsonl", images: "." };
    expect(merge(before, { val: later })).toEqual({ val: later });
    // An option of one is said of the one that is there.
    expect(merge({ val: later }, { val: { copies: 2 } })).toEqual({ val: { ...later, copies: 2 } });
  });

  it("come from a file, too", () => {
    const file = join(temporaryFolder(), "options.json");
    writeFileSync(file, '{"seed": 3}');
    expect(readOptions(file)).toEqual({ seed: 3 });
    writeFileSync(file, "[1]");
    expect(() => readOptions(file)).toThrow(`Cannot use the options in ${file}: expected an object`);
    expect(() => readOptions("/no/options.json")).toThrow("Cannot use the options in /no/options.json: ENOENT");
  });
});
