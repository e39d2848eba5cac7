import { describe, expect, it } from "vitest";
import { compare } from "../../src/evaluation/compare.ts";
import { BenchmarkResult } from "../../src/evaluation/benchmark-result.ts";
import { publishedFigures } from "../../src/evaluation/published.ts";
import { benchmarkRun } from "../support/benchmark-runs.ts";
import { failure } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";

describe("published figures", () => {
  it("have a source and a setting each", () => {
    const rows = publishedFigures();
    expect(rows.length).toBeGreaterThan(80);
    for (const { source, figures } of rows) {
      expect(source.url).toMatch(/^https:\/\//);
      for (const value of Object.values(figures)) expect(value > 0 && value < 100).toBe(true);
    }
    expect(new Set(rows.map(({ setting }) => setting))).toEqual(new Set(["zero-shot", "pre-trained", "fine-tuned"]));
  });

  it("are chosen by benchmark, or what it starts with", () => {
    expect(new Set(publishedFigures("lvis").map(({ benchmark }) => benchmark))).toEqual(
      new Set(["lvis/minival", "lvis/val"]),
    );
    const [row] = publishedFigures("lvis/minival").filter(({ model }) => model === "GLIP-L");
    expect(row).toMatchObject({ figures: { APr: 29.3 }, setting: "zero-shot", note: "the last checkpoint" });
    expect(publishedFigures("refcoco+").every(({ benchmark }) => benchmark.startsWith("refcoco+/"))).toBe(true);
    expect(publishedFigures("imagenet")).toEqual([]);
  });
});

describe("a comparison", () => {
  it("has the run's figures above the published ones, in parts of 100, and says where these stand", async () => {
    const compared = await compare(benchmarkRun());
    expect(compared).toMatchObject({ benchmark: "coco", columns: ["AP"] });
    expect(compared.rows[0]).toMatchObject({
      model: "mine",
      note: "this run, 12 pictures where the benchmark has 5,000",
      source: undefined,
    });
    expect(compared.rows[0]?.figures["AP"]).toBeCloseTo(45.67);
    const lines = compared.markdown().split("\n");
    expect(lines.slice(0, 4)).toEqual([
      "| model | AP | setting | note | source |",
      "| --- | ---: | --- | --- | --- |",
      "| mine | 45.7 |  | this run, 12 pictures where the benchmark has 5,000 |  |",
      "| GLIP-T (A) | 42.9 | zero-shot |  | [1] |",
    ]);
    expect(lines).toContain("| GLIP-L | 61.7 | fine-tuned | multi-scale testing | [1] |");
    expect(lines.at(-2)).toMatch(
      /^\[1\] \[GLIP, README, model zoo\]\(https:\/\/github\.com\/microsoft\/GLIP\) · \[2\]/,
    );
  });

  it("of LVIS and of RefCOCO has a column for each of theirs; what is not published is a dash", async () => {
    const lvis = benchmarkRun({ benchmark: "lvis-minival", metrics: { "box.fixed.AP": 0.3, "box.fixed.APr": null } });
    const [head, own, first] = (await compare(lvis)).cells();
    expect(head?.slice(0, 5)).toEqual(["model", "AP", "APr", "APc", "APf"]);
    expect(own?.slice(0, 5)).toEqual(["mine", "30.0", "–", "–", "–"]);
    expect(first?.slice(0, 3)).toEqual(["GLIP-T (C)", "–", "14.3"]);
    const referring = benchmarkRun({ benchmark: "refcoco", metrics: { "testA.accuracy": 0.5 } });
    const rows = (await compare(referring)).cells();
    expect(rows[1]?.slice(1, 4)).toEqual(["–", "50.0", "–"]);
    expect(rows.find(([model]) => model === "MDETR ResNet-101")?.slice(1, 4)).toEqual(["86.8", "89.6", "81.4"]);
  });

  it("of several runs, and of results, has a row each", async () => {
    const result = new BenchmarkResult("coco", {
      benchmark: "coco",
      pictures: 5000,
      problems: [],
      metrics: Object.fromEntries(names.map((name) => [`box.${name}`, 0.5])),
      parts: {},
      notes: {},
      predictions: "/runs/tuned/predictions.jsonl",
      output: "/runs/tuned",
      seconds: 1,
    });
    const { rows } = await compare([benchmarkRun(), result]);
    expect(rows.slice(0, 2).map(({ model, figures }) => [model, figures["AP"]])).toEqual([
      ["mine", expect.closeTo(45.67)],
      ["tuned", 50],
    ]);
    expect(rows[1]?.note).toBe("this run, 5000 pictures");
  });

  it("shows itself in a notebook; names are text", async () => {
    const compared = await compare(benchmarkRun({}, "a|b <i>"));
    const shown = (compared as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for("Jupyter.display")
    ]?.();
    expect(shown?.["text/markdown"]).toContain("| a\\|b <i> | 45.7 |");
    expect(shown?.["text/html"]).toContain('<tr class="own"><td>a|b &#60;i&#62;</td><td>45.7</td>');
  });

  it("of a benchmark of which nothing is published has the run's figures alone", async () => {
    const compared = await compare(benchmarkRun({ benchmark: "birds", metrics: { accuracy: 0.25, CIDEr: 1.5 } }));
    expect(compared.cells().slice(0, 2)).toEqual([
      ["model", "accuracy", "CIDEr", "setting", "note", "source"],
      ["mine", "25.0", "150.0", "", "this run, 12 pictures", ""],
    ]);
    expect(compared.rows).toHaveLength(1);
  });

  it.each([
    [[], "none"],
    [["coco", "lvis-val"], "coco and lvis-val"],
  ])("of runs of %j is none", async (benchmarks, received) => {
    const runs = benchmarks.map((benchmark) => benchmarkRun({ benchmark }));
    const { details } = await failure(compare(runs), "invalid_argument");
    expect(details).toEqual({ path: "runs", expected: "runs of one benchmark", received });
  });

  it("wants a run that has ended", async () => {
    const error = await failure(compare(benchmarkRun({ ended: false })), "file_error");
    expect(error.message).toContain("its run has not ended; evaluate coco again with resume");
    const none = await failure(compare(temporaryFolder()), "file_error");
    expect(none.message).toContain("there is no run of a benchmark");
    const wrong = benchmarkRun({ metrics: { "box.AP": "high" as unknown as number } });
    expect((await failure(compare(wrong), "file_error")).message).toMatch(/result\.json: .*metrics/s);
  });
});

const names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "AR1", "AR10", "AR100", "ARs", "ARm", "ARl"];
