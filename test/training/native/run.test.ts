import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { coco } from "../../../src/datasets/coco.ts";
import { sceneFolder } from "../../../src/datasets/scene-folder.ts";
import { writePlan } from "../../../src/datasets/scenes/write.ts";
import type { Glip } from "../../../src/glip.ts";
import { launch } from "../../../src/launch.ts";
import type { LaunchOptions } from "../../../src/options.ts";
import type { TrainingEvent } from "../../../src/training/events.ts";
import { attachRun } from "../../../src/training/folder/attach.ts";
import type { NativePretrainOptions } from "../../../src/training/native/options.ts";
import { failure } from "../../support/faults.ts";
import { fixture, temporaryFolder } from "../../support/folders.ts";
import { testPython } from "../../support/python.ts";
import { tinyModel } from "../../support/tiny-model.ts";

const folder = mkdtempSync(join(tmpdir(), "glip-runs-"));
const train = sceneFolder(join(folder, "scenes", "train"));
const val = sceneFolder(join(folder, "scenes", "val"));
let glip: Glip;

const start = (more: LaunchOptions = {}) =>
  testPython().then((interpreter) => launch({ engine: "native", device: "cpu", threads: 1, interpreter, ...more }));

beforeAll(async () => {
  const plan = [
    { split: "train", count: 8 },
    { split: "val", count: 2 },
  ] as const;
  await writePlan({ out: join(folder, "scenes"), plan, seed: 1, size: 128 });
  glip = await start();
}, 120_000);
afterAll(async () => {
  await glip.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

function optionsOf(name: string, more: Partial<NativePretrainOptions> = {}): NativePretrainOptions {
  const length = { steps: 4, batchSize: 2, evaluateSteps: 4, checkpointSteps: 2, samplePictures: 1 };
  return { train, config: tinyModel, output: join(folder, name), ...length, ...more };
}

async function collect(run: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

const typesOf = (events: readonly TrainingEvent[]): string[] => events.map(({ type }) => type);
const stepsOf = (events: readonly TrainingEvent[]): number[] =>
  events.flatMap((event) => (event.type === "step" ? [event.step] : []));

describe("a training", { timeout: 180_000 }, () => {
  it("brings its events, its result, and weights that can be loaded, tuned and measured", async () => {
    const losses = { inter: 0.5, mlm: 0.5 };
    const run = glip.pretrain(optionsOf("pretrain", { val, evaluateBefore: true, losses }));
    const events = await collect(run);
    const telling = typesOf(events).filter((type) => type !== "log" && type !== "progress");
    expect(telling.join(" ")).toBe(
      "start evaluation sample step step checkpoint step step evaluation sample checkpoint done",
    );
    const step = events.find((event) => event.type === "step");
    expect(Object.keys(step?.losses ?? {})).toEqual(
      expect.arrayContaining(["total", "tokens", "boxes", "inter", "mlm"]),
    );
    const result = await run.result;
    expect(result).toMatchObject({ ended: "completed", steps: 4, totalSteps: 4, prompt: null });
    expect(result.metrics?.AP).toBeTypeOf("number");
    expect(result.metricsBefore?.AP).toBeTypeOf("number");
    expect(JSON.parse(readFileSync(result.config, "utf8"))).toMatchObject({
      batch_size: 2,
      config: { swin: { width: 16 } },
    });

    const weights = result.checkpoint as string;
    const tuned = await glip.finetune({ ...optionsOf("prompt"), config: undefined, weights, method: "prompt" }).result;
    expect(existsSync(tuned.prompt as string)).toBe(true);
    const load = { config: "auto", weights, text_encoder: null, accelerate: [], settings: {} };
    await glip.call("model.load", load);
    const { mine = [] } = await glip.usePrompts({ mine: tuned.prompt as string });
    expect(mine).toContain("cat");
    const picture = fixture("../../examples/pictures/pig.jpg");
    const options = { threshold: 0, maxObjects: 5 };
    const [plain, prompted] = [
      await glip.detect(picture, mine, options),
      await glip.detect(picture, mine, { ...options, prompt: "mine" }),
    ];
    expect([plain.objects.length, prompted.objects.length]).toEqual([5, 5]);
    expect(prompted.objects).not.toEqual(plain.objects);
    expect((await failure(glip.detect(picture, ["cat"], { prompt: "mine" }), "invalid_argument")).message).toContain(
      "categories",
    );
    expect((await failure(glip.detect(picture, mine, { prompt: "other" }), "invalid_argument")).details.path).toBe(
      "options.prompt",
    );

    await using restarted = await start({ weights, restart: { max: 1 } });
    await restarted.usePrompts({ mine: tuned.prompt as string });
    const lost = new Promise((resolve) => restarted.on("lost", resolve));
    process.kill(restarted.info.pid, "SIGKILL");
    await lost;
    expect((await restarted.detect(picture, mine, { ...options, prompt: "mine" })).objects).toEqual(prompted.objects);
  });

  it("stops when it is asked, and goes on", async () => {
    const options = optionsOf("stopped", { steps: 200, checkpointSteps: 200, evaluateSteps: 200 });
    const run = glip.pretrain(options);
    for await (const event of run) if (event.type === "step" && event.step === 2) await run.stop();
    const stopped = await run.result;
    expect(stopped.ended).toBe("stopped");
    expect(stopped.checkpoint).toContain(`step-${String(stopped.steps).padStart(8, "0")}`);
    const more = glip.pretrain({ ...options, steps: stopped.steps + 2, resume: true });
    const events = await collect(more);
    expect(stepsOf(events)).toEqual([stopped.steps + 1, stopped.steps + 2]);
    expect(events.find(({ type }) => type === "start")).toMatchObject({ step: stopped.steps });
    expect(await more.result).toMatchObject({ ended: "completed", steps: stopped.steps + 2 });
    // What there is of it in its folder is one run.
    expect(stepsOf(await collect(attachRun(options.output)))).toEqual(
      Array.from({ length: stopped.steps + 2 }, (_, at) => at + 1),
    );
    const again = await failure(glip.pretrain(options).result, "invalid_argument");
    expect(again.message).toContain("options.output: expected a folder without a run");
    const other = await failure(glip.pretrain({ ...options, resume: true, ema: 0.5 }).result, "invalid_argument");
    expect(other.message).toContain("options.ema: expected ");
  });

  it("outlives its worker when it is detached, and is found again", async () => {
    const output = join(folder, "detached");
    const other = await start();
    const run = other.pretrain(
      optionsOf("detached", { steps: 2000, checkpointSteps: 2000, evaluateSteps: 2000, detached: true }),
    );
    for await (const event of run) if (event.type === "step") break;
    // The worker is free, and goes.
    await other.close();
    const found = attachRun(output);
    let seen = 0;
    for await (const event of found) {
      if (event.type === "step") seen = event.step;
      if (event.type === "step" && event.step === 4) await found.stop();
    }
    expect(seen).toBeLessThan(2000);
    expect(await found.result).toMatchObject({ ended: "stopped", steps: seen });
  });

  it("ends with its signal, with a checkpoint, and leaves the worker free", async () => {
    const controller = new AbortController();
    const options = optionsOf("cancelled", { steps: 2000, checkpointSteps: 2000, evaluateSteps: 2000 });
    const run = glip.pretrain({ ...options, signal: controller.signal });
    const loop = async (): Promise<void> => {
      for await (const event of run) if (event.type === "step") controller.abort(new Error("enough"));
    };
    expect((await failure(loop(), "cancelled")).cause).toEqual(new Error("enough"));
    await run.ended;
    expect(existsSync(join(options.output, "checkpoints", "last.json"))).toBe(true);
    expect(await glip.call("diagnostics.echo", { value: 1 })).toEqual({ value: 1 });
  });
});

describe("data", { timeout: 60_000 }, () => {
  async function wrong() {
    const root = temporaryFolder();
    mkdirSync(join(root, "images"));
    const size = { width: 40, height: 30 };
    await sharp({ create: { ...size, channels: 3, background: "gray" } }).toFile(join(root, "images", "here.png"));
    const box = { area: 25, iscrowd: 0, bbox: [0, 0, 5, 5] };
    const annotations = {
      images: [
        { id: 1, file_name: "here.png", ...size },
        { id: 2, file_name: "gone.png", ...size },
      ],
      categories: [{ id: 1, name: "cat" }],
      annotations: [
        { id: 1, image_id: 1, category_id: 1, ...box },
        { id: 2, image_id: 1, category_id: 7, ...box },
        { id: 3, image_id: 1, category_id: 1, ...box, bbox: [90, 90, 5, 5] },
      ],
    };
    writeFileSync(join(root, "a.json"), JSON.stringify(annotations));
    return coco(join(root, "a.json"), join(root, "images"));
  }

  it("is looked through at once, whatever is wrong with it", async () => {
    const report = await glip.checkData([train, await wrong()]);
    expect(report.sets[0]).toMatchObject({ pictures: 8, problems: [] });
    expect(report.sets[0]?.categories).toContain("cat");
    expect(report.sets[1]?.problems.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(["box_outside", "missing_picture", "unknown_category"]),
    );
    expect(report.problems).toBeGreaterThanOrEqual(3);
    const shown = (report as unknown as Record<symbol, () => Record<string, string>>)[
      Symbol.for("Jupyter.display")
    ]?.();
    expect(shown?.["text/plain"]).toMatch(/missing_picture {2,}1, e\.g\. /);
  });

  it("that is wrong is not trained on", async () => {
    const error = await failure(glip.pretrain(optionsOf("wrong", { train: await wrong() })).result, "dataset_invalid");
    expect(error.details.count).toBeGreaterThanOrEqual(3);
    expect(error.details.problems.map(({ kind }) => kind)).toContain("missing_picture");
  });
});
