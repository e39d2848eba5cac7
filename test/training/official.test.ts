import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { LaunchOptions } from "../../src/options.ts";
import type { TrainingEvent } from "../../src/training/events.ts";
import type { RunOptions } from "../../src/training/options.ts";
import type { TrainResult } from "../../src/training/results.ts";
import { annotatedPictures, categories } from "../support/annotated.ts";
import { describeOfficial } from "../support/checkout.ts";
import { compile } from "../support/compile.ts";
import { failure } from "../support/faults.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { testPython } from "../support/python.ts";
import { smallModel } from "../support/small-model.ts";

const minutes = 60_000;

// One model goes through all of it, as a user's does: pre-trained, fine-tuned, measured, used.
describeOfficial("training", () => {
  let folder: string;
  let glip: Glip;
  let without: LaunchOptions;
  let textEncoder: string;
  let model: Pick<RunOptions, "config" | "settings" | "textEncoder" | "readers" | "shortSides" | "longSide">;
  let data: Awaited<ReturnType<typeof annotatedPictures>>;
  let pretrained: TrainResult;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "glip-train-"));
    const { config, weights: _, settings, ...rest } = await smallModel(folder);
    ({ textEncoder, ...without } = rest);
    model = { config, settings, textEncoder, readers: 0, shortSides: [128], longSide: 192 };
    data = await annotatedPictures(join(folder, "data"));
    // No model: nothing but the training's own processes needs the memory.
    glip = await launch(without);
  }, 2 * minutes);
  afterAll(async () => {
    await glip?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  });

  async function collect(run: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
    const events: TrainingEvent[] = [];
    for await (const event of run) events.push(event);
    return events;
  }

  const ofType = <Type extends TrainingEvent["type"]>(events: TrainingEvent[], type: Type) =>
    events.filter((event): event is Extract<TrainingEvent, { type: Type }> => event.type === type);

  it("pretrains from random numbers", { timeout: 5 * minutes }, async () => {
    const output = join(folder, "pretrained");
    const run = glip.pretrain({
      ...model,
      train: data,
      output,
      epochs: 1,
      batchSize: 2,
      warmupSteps: 0,
      ema: 0,
      seed: 1,
    });
    const events = await collect(run);
    pretrained = await run.result;
    expect(events[0]).toMatchObject({ type: "start" });
    const steps = ofType(events, "step");
    expect(steps.map(({ step, totalSteps }) => [step, totalSteps])).toEqual(
      Array.from({ length: pretrained.totalSteps }, (_, index) => [index + 1, pretrained.totalSteps]),
    );
    for (const { losses } of steps) {
      expect(losses.total).toBeGreaterThan(0);
      const { total, ...parts } = losses;
      expect(Object.values(parts).reduce<number>((sum, loss) => sum + (loss ?? 0), 0)).toBeCloseTo(total ?? NaN, 3);
    }
    expect(pretrained).toMatchObject({ output, ended: "completed" });
    expect(pretrained.checkpoint).toMatch(/model_final\.pth$/);
  });

  it("fine-tunes with validation, is aborted, goes on, is measured and used", { timeout: 10 * minutes }, async () => {
    const output = join(folder, "tuned");
    const { config, checkpoint } = pretrained;
    const basis = { textEncoder, readers: 0, shortSides: [128], longSide: 192 };
    const options = { ...basis, train: data, val: data, output, config, epochs: 2, batchSize: 2, checkpointSteps: 1 };

    const controller = new AbortController();
    const reason = new Error("enough for today");
    const first = glip.finetune({ ...options, weights: checkpoint ?? "", signal: controller.signal });
    const before: TrainingEvent[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of first) {
        before.push(event);
        if (event.type === "step" && event.step === 2) controller.abort(reason);
      }
    };
    const aborted = await failure(loop(), "cancelled");
    expect(aborted.cause).toBe(reason);
    await first.ended;
    expect(existsSync(join(output, "ft_task_1", "last_checkpoint"))).toBe(true);

    const resumed = glip.finetune({ ...options, resume: true });
    const events = await collect(resumed);
    const result = await resumed.result;
    const [start = NaN] = ofType(events, "step").map(({ step }) => step);
    expect(start).toBeGreaterThan(2);
    expect(result).toMatchObject({ output, steps: result.totalSteps, ended: "completed" });
    expect(ofType(events, "checkpoint").length).toBeGreaterThan(0);
    expect(ofType(events, "evaluation").at(-1)?.metrics).toEqual(result.metrics);
    const [tuned, best] = [result.checkpoint ?? "", result.best ?? ""];
    expect([existsSync(tuned), existsSync(best), existsSync(result.config)]).toEqual([true, true, true]);

    const measuring = glip.evaluate({
      ...basis,
      data,
      config: result.config,
      weights: tuned,
      output: join(folder, "measured"),
    });
    const progress = ofType(await collect(measuring), "progress");
    expect(progress.at(-1)).toMatchObject({ pictures: 5, totalPictures: 5 });
    const { metrics, perCategory, predictions } = await measuring.result;
    expect(Object.keys(metrics)).toEqual(["AP", "AP50", "AP75", "APs", "APm", "APl"]);
    expect(Object.keys(perCategory)).toEqual(categories);
    expect(existsSync(predictions ?? "")).toBe(true);

    const launched = { ...without, textEncoder, config: result.config, weights: tuned };
    await using own = await launch(launched);
    const seen = await own.detect(join(data.images, "1.png"), categories, { threshold: 0 });
    expect(seen).toMatchObject({ width: 160, height: 128 });
    expect(seen.objects.length).toBeGreaterThan(0);
    for (const { label } of seen.objects) expect(categories).toContain(label);
    // The handle's own model is what a run takes that names none.
    const again = own.evaluate({ ...basis, data, output: join(folder, "measured again") });
    expect((await again.result).metrics).toEqual(metrics);
  });

  it.each<[string, Parameters<typeof annotatedPictures>[1], string]>([
    ["a category 0", ({ categories: [first] }) => void (first && (first.id = 0)), "categories[0].id"],
    [
      "boxes outside",
      ({ annotations: [first] }) => void (first && (first.bbox = [500, 500, 9, 9])),
      "annotations[0].bbox",
    ],
    ["a missing picture", ({ images: [first] }) => void (first && (first.file_name = "no.png")), "images[0].file_name"],
  ])("refuses %s by its place, and takes the next call", { timeout: 2 * minutes }, async (_, change, where) => {
    const bad = await annotatedPictures(temporaryFolder(), change);
    const output = join(temporaryFolder(), "run");
    const { config, checkpoint } = pretrained;
    const run = glip.finetune({ train: [data, bad], config, weights: checkpoint ?? "", output });
    const error = await failure(run.result, "dataset_invalid");
    expect(error.details.path).toBe(bad.annotations);
    expect(error.details.problems.map((problem) => problem.where)).toContain(where);
    expect(existsSync(output)).toBe(false);
    expect(await glip.call("diagnostics.echo", { value: 1 })).toEqual({ value: 1 });
  });

  it("is what examples/finetune.ts shows", { timeout: 10 * minutes }, async () => {
    requireBuild();
    const { config, checkpoint } = pretrained;
    const data = await annotatedPictures(join(folder, "mine"));
    const { annotations, images } = data;
    const paths = { train: annotations, val: annotations, images, output: join(folder, "example") };
    const model = { config, weights: checkpoint ?? "", "text-encoder": textEncoder };
    const given = { ...paths, ...model, epochs: 1, batch: 2, side: 128, device: "cpu" };
    const args = Object.entries(given).map(([name, value]) => `--${name}=${value}`);
    const env = { ...process.env, GLIP_PYTHON: await testPython(), GLIP_HOME: join(folder, "home") };
    const script = await compile("examples/finetune.ts");
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [script, ...args], { env });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^step 1\/2: loss \d/m);
    expect(stdout).toMatch(/^validation: AP \d/m);
    expect(stdout).toMatch(/^completed after 2 steps: .*\.pth$/m);
    expect(stdout).toMatch(/^Detections 160x128: /m);
  });

  it("names the option that the recipe refuses", { timeout: minutes }, async () => {
    const { config, checkpoint } = pretrained;
    const output = join(temporaryFolder(), "run");
    const run = glip.finetune({ train: data, config, weights: checkpoint ?? "", output, batchSize: 6 });
    const error = await failure(run.result, "invalid_argument");
    expect(error.details.path).toBe("options.batchSize");
  });
});
