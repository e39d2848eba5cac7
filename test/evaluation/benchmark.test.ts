import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stream } from "../../src/bridge/stream.ts";
import { coco } from "../../src/datasets/coco.ts";
import { type MiniName, miniBenchmark } from "../../src/datasets/benchmarks/mini.ts";
import { miniOdinwSets } from "../../src/datasets/benchmarks/mini-odinw.ts";
import { cocoCaptions } from "../../src/datasets/coco-captions.ts";
import { type BenchmarkEvent, evaluateBenchmark } from "../../src/evaluation/benchmark.ts";
import { BenchmarkResult } from "../../src/evaluation/benchmark-result.ts";
import { compare } from "../../src/evaluation/compare.ts";
import { exportResults } from "../../src/evaluation/export-results.ts";
import { readBenchmarkRun } from "../../src/evaluation/run-folder.ts";
import type { EvaluationHandle } from "../../src/evaluation/scenes.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { Ready } from "../../src/protocol/messages.ts";
import type { Result } from "../../src/protocol/methods.ts";
import { readyMessage } from "../support/fake-worker.ts";
import { failure, launchFaulty } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";
import { testPython } from "../support/python.ts";

let folder: string;
let data: string;
let glip: Glip;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "glip-benchmark-"));
  data = await miniBenchmark("coco", { out: join(folder, "coco") });
  const interpreter = await testPython();
  glip = await launch({ model: "glip-nano", device: "cpu", threads: 1, home: join(folder, "home"), interpreter });
}, 120_000);
afterAll(async () => {
  await glip?.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

async function collect<Event>(run: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = [];
  for await (const event of run) events.push(event);
  return events;
}

const lines = (file: string): string[] => readFileSync(file, "utf8").trim().split("\n");

describe("glip-nano, as it ships, on COCO in miniature,", { timeout: 120_000 }, () => {
  it("is measured, and its predictions are kept", async () => {
    const run = glip.evaluate({ benchmark: "coco", data });
    const events = await collect(run);
    expect(events[0]).toEqual({ type: "start", total: 12, done: 0, output: run.output });
    expect(events.at(-2)).toMatchObject({ type: "progress", done: 12, total: 12, etaSeconds: 0 });
    expect(events.at(-1)).toEqual({ type: "scoring", pictures: 12 });
    const result = await run.result;
    expect(result).toBeInstanceOf(BenchmarkResult);
    // Below what it has by itself, above what pictures prepared in another way than in training leave of it.
    expect(result.metrics.box.AP).toBeGreaterThan(0.5);
    expect(result.metrics.box.AP50).toBeGreaterThan(result.metrics.box.AP ?? 1);
    expect(result.metrics.mask).toBeUndefined();
    expect(result.parts["categories"]?.["dog"]?.["box"]).toBeGreaterThan(0.5);
    expect(result).toMatchObject({ benchmark: "coco", pictures: 12, problems: [], output: run.output });
    expect(run.output.startsWith(join(glip.home ?? "", "evaluations", "coco-"))).toBe(true);
    expect(lines(result.predictions)).toHaveLength(12);
    const { details } = await readBenchmarkRun(result.output);
    const [curve] = details?.curves ?? [];
    const area = (curve?.precision ?? []).reduce((sum, value) => sum + value, 0) / 101;
    expect(area).toBeCloseTo(result.metrics.box.AP50 ?? 0, 3);
    expect(details?.counts["right"]).toBeGreaterThan(10);
    expect((await compare(result)).rows[0]?.figures["AP"]).toBe((result.metrics.box.AP ?? 0) * 100);
    const { rows, pictures } = await exportResults(result.output);
    expect([pictures, rows > 100]).toEqual([12, true]);
  });

  it("goes on where its run was left", async () => {
    const output = join(temporaryFolder(), "run");
    const first = glip.evaluate({ benchmark: "coco", data, output });
    for await (const { type } of first) if (type === "progress") break;
    await failure(first.result, "cancelled");
    await first.ended;
    const done = lines(join(output, "predictions.jsonl"));
    const run = glip.evaluate({ benchmark: "coco", data, output, resume: true });
    const [start] = await collect<BenchmarkEvent>(run);
    expect(start).toEqual({ type: "start", total: 12, done: done.length, output });
    expect(lines((await run.result).predictions).slice(0, done.length)).toEqual(done);
  });

  it("is measured by phrases: of sentences, of masks, and of one object", async () => {
    const root = temporaryFolder();
    const of = async (name: MiniName): Promise<{ data: string; output: string; pictures: number }> => ({
      data: await miniBenchmark(name, { out: join(root, name) }),
      output: join(root, `${name}-run`),
      pictures: 3,
    });
    const flickr = await glip.evaluate({ benchmark: "flickr30k", ...(await of("flickr30k")) }).result;
    // Below what it has by itself, above what spans of other words leave of it.
    expect(flickr.metrics.separate.R1).toBeGreaterThan(0.6);
    expect(flickr.metrics.separate.R5).toBeGreaterThanOrEqual(flickr.metrics.separate.R1 ?? 1);
    expect(flickr.metrics.merged.upperBound).toBeLessThanOrEqual(flickr.metrics.separate.upperBound ?? 0);
    expect(flickr.parts["types"]?.["other"]?.["merged.R10"]).toBeGreaterThan(0.5);
    const phrasecut = await glip.evaluate({ benchmark: "phrasecut", ...(await of("phrasecut")) }).result;
    expect(phrasecut.metrics.filled.meanIoU).toBeGreaterThan(0.25);
    // Only a model that finds masks has them measured.
    expect(phrasecut.metrics.mask?.meanIoU ?? 1).toBeGreaterThan(0.25);
    expect(phrasecut.parts["subsets"]?.["i_single"]?.["filled.P50"]).toBeLessThanOrEqual(1);
    const refcoco = await glip.evaluate({ benchmark: "refcoco", ...(await of("refcoco")) }).result;
    expect(refcoco.metrics.val.R5).toBeGreaterThan(0.6);
    expect(refcoco.metrics.testB).toEqual({ accuracy: null, R5: null, R10: null, accuracyGIoU: null });
  });

  it("takes a set of one's own in the same form, and leaves out what cannot be read", async () => {
    const own = await miniBenchmark("coco", { out: join(temporaryFolder(), "own") });
    const images = join(own, "coco", "val2017");
    const set = coco(join(own, "coco", "annotations", "instances_val2017.json"), images);
    const output = join(own, "run");
    renameSync(join(images, "000000000002.jpg"), join(own, "away.png"));
    const failed = glip.evaluate({ benchmark: "coco", data: set, output, pictures: 3 });
    const problem = {
      kind: "missing_picture",
      where: join(images, "000000000002.jpg"),
      reason: "it is not there",
    } as const;
    const error = await failure(failed.result, "dataset_invalid");
    expect(error.details.problems).toEqual([problem]);
    const run = glip.evaluate({
      benchmark: "coco",
      data: set,
      output,
      pictures: 3,
      resume: true,
      problems: "skip",
    });
    expect(await run.result).toMatchObject({ pictures: 2, problems: [problem] });
  });

  it("is told all that the official layout lacks", async () => {
    const root = temporaryFolder();
    mkdirSync(join(root, "coco", "val2017"), { recursive: true });
    const error = await failure(glip.evaluate({ benchmark: "coco", data: root }).result, "benchmark_incomplete");
    const page = "https://cocodataset.org/#download";
    expect(error.details).toEqual({
      benchmark: "coco",
      path: root,
      missing: [
        { path: join(root, "coco", "annotations", "instances_val2017.json"), reason: "is not there", page },
        { path: join(root, "coco", "val2017"), reason: "is empty", page },
      ],
    });
  });
});

describe("glip-nano, as it ships, on ODinW in miniature,", { timeout: 120_000 }, () => {
  it("is measured set by set, on those that are asked for", async () => {
    const root = await miniBenchmark("odinw", { out: join(folder, "odinw") });
    const sets = miniOdinwSets.slice(0, 2);
    const result = await glip.evaluate({ benchmark: "odinw13", data: root, sets, pictures: 2 }).result;
    expect(result.pictures).toBe(4);
    const found = sets.map((name) => result.parts["sets"]?.[name]?.["AP"] ?? 0);
    expect(Math.min(...found)).toBeGreaterThan(0.3);
    const mean = found.reduce((sum, one) => sum + one) / found.length;
    expect(result.metrics.AP.mean).toBeCloseTo(mean, 9);
    expect(result.metrics.AP.median).toBeCloseTo(mean, 9);
    expect(result.notes).toEqual({});
  });

  it("is told sets that there are not", async () => {
    const run = glip.evaluate({ benchmark: "odinw13", data, sets: ["dice"] });
    const error = await failure(run.result, "invalid_argument");
    expect(error.details.path).toBe("options.sets[0]");
    expect(error.details.expected).toMatch(/^one of AerialMaritimeDrone_large, Aquarium, /);
  });
});

describe("a model that answers and tells, of random weights,", { timeout: 120_000 }, () => {
  let talking: Glip;
  beforeAll(async () => {
    const settings = { understanding: { answers: ["yes", "no", "two"] } };
    talking = await launch({
      engine: "native",
      config: "glip-nano",
      weights: "random",
      settings,
      device: "cpu",
      threads: 1,
    });
  }, 60_000);
  afterAll(() => talking?.close());

  it("is measured by VQAv2, and leaves what the server takes", async () => {
    const root = await miniBenchmark("vqav2", { out: join(folder, "vqav2") });
    const output = join(folder, "vqav2-run");
    const result = await talking.evaluate({ benchmark: "vqav2", data: root, output, pictures: 2 }).result;
    expect(Object.keys(result.metrics)).toEqual(["accuracy", "yes/no", "number", "other"]);
    expect(result.metrics.accuracy).toBeLessThan(1);
    const asked = Object.keys(result.parts["questionTypes"] ?? {});
    expect(asked).not.toEqual([]);
    const rows = JSON.parse(readFileSync(join(output, "vqa_results.json"), "utf8")) as object[];
    expect(Object.keys(rows[0] ?? {})).toEqual(["question_id", "answer"]);
  });

  it("is measured by COCO's captions, those of one's own too", async () => {
    const root = await miniBenchmark("captions", { out: join(folder, "captions") });
    const result = await talking.evaluate({ benchmark: "coco-captions", data: root, pictures: 1 }).result;
    const { CIDEr, BLEU4, METEOR, SPICE } = result.metrics;
    expect([CIDEr, BLEU4].every((one) => one !== null && one < 1)).toBe(true);
    expect([METEOR === null, SPICE === null]).toEqual(["METEOR" in result.notes, "SPICE" in result.notes]);
    const { images } = JSON.parse(readFileSync(join(root, "coco", "annotations", "dataset_coco.json"), "utf8")) as {
      images: { cocoid: number; filename: string; sentences: { raw: string }[] }[];
    };
    const own = join(folder, "own.json");
    const annotations = images.map(({ cocoid, sentences }) => ({ image_id: cocoid, caption: sentences[0]?.raw }));
    const rows = images.map(({ cocoid, filename }) => ({ id: cocoid, file_name: filename }));
    writeFileSync(own, JSON.stringify({ images: rows, annotations }));
    const set = cocoCaptions(own, join(root, "coco", "val2014"));
    const mine = await talking.evaluate({ benchmark: "coco-captions-val2017", data: set, pictures: 1 }).result;
    expect(mine.pictures).toBe(1);
  });
});

describe("what is wrong is said at once:", () => {
  const start = (options: object) => async () => glip.evaluate({ benchmark: "coco", data, ...options });

  it.each([
    [{ benchmark: "cocoa" }, "options.benchmark", "one of coco, lvis-minival, lvis-val, flickr30k"],
    [{ data: undefined }, "options.data", "string"],
    [{ data: { format: "yolo", file: "data.yaml", split: "val" } }, "options.data.format", ""],
    [{ pictures: 0 }, "options.pictures", "number >=1"],
    [{ problems: "drop" }, "options.problems", 'one of "fail"|"skip"'],
    [{ task: "detect" }, "options.task", "nothing of that name"],
    [{ sets: [] }, "options.sets", ""],
    [{ resume: true }, "options.output", "the folder of the run that goes on"],
  ])("%j", async (options, path, expected) => {
    const { details } = await failure(start(options)(), "invalid_argument");
    expect(details.path).toBe(path);
    expect(details.expected).toContain(expected);
  });

  it("files of one's own that are not there", async () => {
    const error = await failure(start({ data: coco("/no/such.json", "/no") })(), "file_error");
    expect(error.details.path).toBe("/no/such.json");
  });

  it("an engine that cannot", async () => {
    await using other = await launchFaulty();
    const error = await failure((async () => other.glip.evaluate({ benchmark: "coco", data }))(), "unsupported");
    expect(error.message).toBe("Cannot measure by coco: the worker's engine is none, which has no model.");
  });

  it("on another host, that the run's folder is there", async () => {
    const sent: unknown[] = [];
    const handle: EvaluationHandle = {
      local: false,
      info: { ...readyMessage, engine: "native", methods: ["evaluate.benchmark"] } as Ready,
      stream(method, params, options) {
        sent.push([method, params, options]);
        return new Stream({ grant: () => {}, cancel: () => {} });
      },
    };
    const there = { benchmark: "lvis-val", data: "/data" } as const;
    const error = await failure((async () => evaluateBenchmark(handle, there))(), "invalid_argument");
    expect(error.details.expected).toBe("a folder on the worker's host");
    evaluateBenchmark(handle, { ...there, output: "/runs/lvis", masks: true });
    const params = {
      benchmark: "lvis-val",
      data: { type: "root", folder: "/data" },
      output: "/runs/lvis",
      resume: false,
      pictures: null,
      masks: true,
      sets: null,
      prompt: null,
      problems: "fail",
    };
    expect(sent).toEqual([["evaluate.benchmark", params, { signal: undefined }]]);
  });
});

describe("a result", () => {
  const figures = (...names: string[]) => Object.fromEntries(names.map((name, place) => [name, place / 100]));
  const precision = ["AP", "AP50", "AP75", "APs", "APm", "APl"];
  const of = (metrics: Record<string, number | null>): Result<"evaluate.benchmark"> => ({
    benchmark: "lvis-val",
    pictures: 5,
    problems: [],
    metrics,
    parts: {},
    notes: {},
    predictions: "/runs/x/predictions.jsonl",
    output: "/runs/x",
    seconds: 1,
  });
  const names = ["fixed", "plain"].flatMap((rule) =>
    [...precision, "APr", "APc", "APf", "AR"].map((name) => `box.${rule}.${name}`),
  );

  it("has the benchmark's figures by their names, and shows them in a notebook", () => {
    const result = new BenchmarkResult("lvis-val", of({ ...figures(...names), "box.fixed.APr": null }));
    expect(result.metrics.box.fixed).toMatchObject({ AP: 0, APr: null, AR: 0.09 });
    expect(result.metrics.box.plain.AP).toBe(0.1);
    const shown = (result as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for("Jupyter.display")
    ]?.();
    expect(shown?.["text/plain"]).toContain("box.fixed.APr   –\nbox.fixed.APc   0.070");
  });

  it("with other figures is none", async () => {
    const wrong = async () => new BenchmarkResult("coco", of(figures(...names)));
    const error = await failure(wrong(), "invalid_message");
    expect(error.message).toContain("the figures of coco do not fit: box");
  });
});
