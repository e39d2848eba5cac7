import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Stream } from "../../src/bridge/stream.ts";
import type { SceneFolder } from "../../src/datasets/scenes/split.ts";
import { writePlan } from "../../src/datasets/scenes/write.ts";
import { isGlipError } from "../../src/errors.ts";
import { type EvaluationHandle, evaluateScenes, SceneEvaluation } from "../../src/evaluation/scenes.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { Ready } from "../../src/protocol/messages.ts";
import type { Box } from "../../src/images/annotation.ts";
import { within } from "../support/connection.ts";
import { readyMessage } from "../support/fake-worker.ts";
import { callMs, failure, launchFaulty } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";

/** Of the standard split: the first of its pictures. */
const PICTURES = 24;

let folder: string;
let data: SceneFolder;
let glip: Glip;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "glip-scenes-"));
  const out = join(folder, "scenes");
  await writePlan({ out, plan: [{ split: "val", count: PICTURES }], seed: 0, size: 256 });
  data = { format: "scenes", folder: join(out, "val") };
  glip = await launch({ model: "glip-nano", device: "cpu", threads: 1 });
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

// The floors lie above what is left of it with red for blue, without mean or deviation, or in a wrong size: pictures
// that are not prepared as in training fall below them, and a damaged file even more.
describe("glip-nano, as it ships, on the first standard pictures,", { timeout: 120_000 }, () => {
  it("finds boxes of categories", async () => {
    const { metrics } = await glip.evaluate({ data, task: "detect" }).result;
    expect(metrics.AP).toBeGreaterThan(0.6);
    expect(metrics.AP50).toBeGreaterThan(metrics.AP ?? 1);
  });

  it("finds what phrases speak of, unlike who knows the boxes and guesses", async () => {
    const { metrics } = await glip.evaluate({ data, task: "ground" }).result;
    expect(metrics.recallAt1).toBeGreaterThan(0.93);
    expect(metrics.largestObject).toBeLessThan(0.4);
    expect(metrics.anyObject).toBeLessThan(0.4);
  });

  it("finds masks, better than who knows the boxes and fills them", async () => {
    const { metrics } = await glip.evaluate({ data, task: "segment" }).result;
    expect(metrics.AP).toBeGreaterThan(0.58);
    expect(metrics.meanIoU).toBeGreaterThan(metrics.filledBoxes);
  });

  it("answers questions, unlike who knows their types and gives the commonest answer", async () => {
    const { metrics } = await glip.evaluate({ data, task: "answer" }).result;
    expect(metrics.accuracy).toBeGreaterThan(0.77);
    expect(metrics.majority).toBeLessThan(0.5);
  });

  it("tells captions, most of what they say being true, and finds what they speak of", async () => {
    const { metrics } = await glip.evaluate({ data, task: "caption" }).result;
    expect(metrics.facts).toBeGreaterThan(0.6);
    expect(metrics.recallAt1).toBeGreaterThan(0.75);
    expect(metrics.CIDEr).toBeGreaterThan(2 * metrics.oneCaption);
  });

  it("does so for who asks picture by picture: the surest box over an object bears its name", async () => {
    const { images, annotations, categories } = JSON.parse(
      readFileSync(join(data.folder, "instances.json"), "utf8"),
    ) as Instances;
    const names = new Map(categories.map(({ id, name }) => [id, name]));
    const asked = images.slice(0, 8);
    const paths = asked.map(({ file_name }) => join(data.folder, "images", file_name));
    const answers = await glip.detectAll(paths, [...names.values()], { threshold: 0.3 });
    const best = answers.flatMap((answer, index) => {
      if (isGlipError(answer)) throw answer;
      return annotations
        .filter(({ image_id }) => image_id === asked[index]?.id)
        .map(({ bbox: [x, y, width, height], category_id }) => ({
          name: names.get(category_id),
          label: answer.objects.find(({ box }) => overlap(box, [x, y, x + width, y + height]) > 0.5)?.label,
        }));
    });
    expect(best.filter(({ label }) => label !== undefined).length / best.length).toBeGreaterThan(0.9);
    // Of 83 names.
    expect(best.filter(({ name, label }) => label === name).length / best.length).toBeGreaterThan(0.5);
  });
});

interface Instances {
  images: { id: number; file_name: string }[];
  annotations: { image_id: number; category_id: number; bbox: Box }[];
  categories: { id: number; name: string }[];
}

/** Intersection over union. */
function overlap(a: Box, b: Box): number {
  const area = ([x1, y1, x2, y2]: Box): number => Math.max(0, x2 - x1) * Math.max(0, y2 - y1);
  const both = area([Math.max(a[0], b[0]), Math.max(a[1], b[1]), Math.min(a[2], b[2]), Math.min(a[3], b[3])]);
  return both / (area(a) + area(b) - both);
}

describe("an evaluation", { timeout: 60_000 }, () => {
  it("says how far it is, then what was measured, and writes nothing", async () => {
    const run = glip.evaluate({ data, task: "detect", pictures: 2 });
    expect(run.output).toBeNull();
    expect(await collect(run)).toEqual([0, 1, 2].map((done) => ({ type: "progress", done, total: 2 })));
    const result = await run.result;
    expect(result).toBeInstanceOf(SceneEvaluation);
    const { metrics, seconds, ...rest } = JSON.parse(JSON.stringify(result)) as SceneEvaluation<"detect">;
    expect(rest).toEqual({ task: "detect", split: "val", pictures: 2 });
    expect(Object.keys(metrics)).toEqual(["AP", "AP50", "AP75", "APs", "APm", "APl"]);
    expect(seconds).toBeGreaterThan(0);
  });

  it("ends in the worker when its loop is left", async () => {
    const run = glip.evaluate({ data, task: "detect" });
    for await (const { done } of run) if (done === 1) break;
    await failure(run.result, "cancelled");
    await within(callMs, run.ended);
    expect(await within(callMs, glip.call("diagnostics.echo", { value: 1 }))).toEqual({ value: 1 });
  });

  it("ends by its signal, with the reason", async () => {
    const stop = new AbortController();
    const reason = new Error("seen enough");
    const run = glip.evaluate({ data, task: "ground", signal: stop.signal });
    const loop = async (): Promise<void> => {
      for await (const { done } of run) if (done === 1) stop.abort(reason);
    };
    expect((await failure(loop(), "cancelled")).cause).toBe(reason);
    expect((await failure(run.result, "cancelled")).cause).toBe(reason);
    await within(callMs, run.ended);
  });

  it("of something that is no split fails in its loop and its result", async () => {
    const other = temporaryFolder();
    for (const name of ["instances.json", "grounding.json"]) writeFileSync(join(other, name), "[]");
    const run = glip.evaluate({ data: { format: "scenes", folder: other }, task: "detect" });
    const error = await failure(collect(run), "dataset_invalid");
    expect(error.details.path).toBe(other);
    expect((await failure(run.result, "dataset_invalid")).message).toBe(error.message);
  });
});

describe("what is wrong is said at once:", () => {
  const start = (options: object) => async () => glip.evaluate({ data, task: "detect", ...options });

  it.each([
    [{ task: "count" }, "options.task", 'one of "detect"|"ground"|"segment"|"answer"|"caption"'],
    [{ task: undefined }, "options.task", 'one of "detect"|"ground"|"segment"|"answer"|"caption"'],
    [{ pictures: 0 }, "options.pictures", "number >=1"],
    [{ pictures: 1.5 }, "options.pictures", "int"],
    [{ picture: 3 }, "options.picture", "nothing of that name"],
    [{ data: { format: "scenes" } }, "options.data.folder", "string"],
    [{ data: { format: "scenes", folder: "" } }, "options.data.folder", "string"],
    [{ data: "scenes/val" }, "options.data", "object"],
  ])("%j", async (options, path, expected) => {
    const { details } = await failure(start(options)(), "invalid_argument");
    expect(details.path).toBe(path);
    expect(details.expected).toContain(expected);
  });

  it("a folder that is not there, or is the parent of the splits", async () => {
    const absent = join(temporaryFolder(), "val");
    const parent = join(folder, "scenes");
    for (const [path, reason] of [
      [absent, "it is not there"],
      [parent, "there is no instances.json in it"],
    ] as const) {
      const error = await failure(start({ data: { format: "scenes", folder: path } })(), "file_error");
      expect(error.message).toBe(
        `Cannot measure on ${path}: ${reason}. Name the folder of one split, e.g. scenes/val; ` +
          "`glip scenes --out scenes` writes them.",
      );
      expect(error.details).toEqual({ path, reason });
    }
  });

  it("an engine that cannot", async () => {
    await using other = await launchFaulty();
    const error = await failure((async () => other.glip.evaluate({ data, task: "detect" }))(), "unsupported");
    expect(error.message).toBe(
      "Cannot measure on scenes: the worker's engine is none, and scenes are measured by the native one. " +
        'Launch it with engine: "native" (--engine native), which takes the released weights too.',
    );
    expect(error.details.feature).toBe("evaluate.scenes");
  });

  it("but of a folder on another host, only there", () => {
    const sent: unknown[] = [];
    const handle: EvaluationHandle = {
      local: false,
      info: { ...readyMessage, engine: "native", methods: ["evaluate.scenes"] } as Ready,
      stream(method, params, options) {
        sent.push([method, params, options]);
        return new Stream({ grant: () => {}, cancel: () => {} });
      },
    };
    evaluateScenes(handle, { data: { format: "scenes", folder: "/elsewhere/val" }, task: "ground" });
    const params = { folder: "/elsewhere/val", task: "ground", pictures: null };
    expect(sent).toEqual([["evaluate.scenes", params, { signal: undefined }]]);
  });
});

describe("in a notebook", () => {
  const display = (value: object) =>
    (value as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]?.();
  const evaluated = { split: "<val>", pictures: 300, seconds: 9 };

  it("a result of boxes shows a table", () => {
    const metrics = { ap: 0.5, ap50: 0.75, ap75: 0.25, ap_small: 0, ap_medium: 1, ap_large: null };
    const result = new SceneEvaluation("detect", { ...evaluated, metrics: { type: "detect", ...metrics } });
    expect(display(result)).toEqual({
      "text/plain":
        "split     <val>\npictures  300\nAP        0.500\nAP50      0.750\nAP75      0.250\n" +
        "APs       0.000\nAPm       1.000\nAPl       –",
      "text/html": expect.stringContaining("<tr><td>split</td><td>&#60;val&#62;</td></tr>") as string,
    });
  });

  it("a result of phrases does too", () => {
    const metrics = { recall_at_1: 0.875, largest_object: 0.25, any_object: 0.125 };
    const result = new SceneEvaluation("ground", { ...evaluated, metrics: { type: "ground", ...metrics } });
    expect(display(result)?.["text/plain"]).toContain(
      "recallAt1      0.875\nlargestObject  0.250\nanyObject      0.125",
    );
  });

  it("and one of masks", () => {
    const average = { ap: 0.5, ap50: 0.75, ap75: 0.25, ap_small: 0, ap_medium: 1, ap_large: null };
    const metrics = { type: "segment", ...average, mean_iou: 0.625, filled_boxes: 0.5 } as const;
    const result = new SceneEvaluation("segment", { ...evaluated, metrics });
    expect(result.metrics).toMatchObject({ AP: 0.5, APl: null, meanIoU: 0.625, filledBoxes: 0.5 });
    expect(display(result)?.["text/plain"]).toContain("meanIoU      0.625\nfilledBoxes  0.500");
  });

  it("has those of answers by type, and of captions by what they state", () => {
    const types = [{ type: "count", accuracy: 0.5, majority: 0.25, questions: 4 }];
    const answered = { type: "answer", accuracy: 0.5, majority: 0.25, questions: 4, types } as const;
    const answer = new SceneEvaluation("answer", { ...evaluated, metrics: answered });
    const count = { accuracy: 0.5, majority: 0.25, questions: 4 };
    expect(answer.metrics).toEqual({ accuracy: 0.5, majority: 0.25, types: { count } });
    expect(display(answer)?.["text/plain"]).toContain("types.count  accuracy 0.500, majority 0.250, questions 4");
    const kinds = [{ kind: "color", true_part: 0.75, stated: 8 }];
    const told = {
      type: "caption",
      cider: 1.5,
      one_caption: 0.1,
      facts: 0.75,
      stated: 2,
      recall_at_1: 0.5,
      kinds,
    } as const;
    const caption = new SceneEvaluation("caption", { ...evaluated, metrics: told });
    const color = { truePart: 0.75, stated: 8 };
    expect(caption.metrics).toEqual({
      CIDEr: 1.5,
      oneCaption: 0.1,
      facts: 0.75,
      stated: 2,
      recallAt1: 0.5,
      kinds: { color },
    });
  });

  it("what runs says what to do with it", async () => {
    await using run = glip.evaluate({ data, task: "detect" });
    expect(display(run)).toEqual({ "text/plain": "Evaluation: iterate it for its events, or await its result" });
    void run.result;
  });
});
