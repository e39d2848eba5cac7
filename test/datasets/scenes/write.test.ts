import { execFile } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, test } from "vitest";
import { composeScene } from "../../../src/datasets/scenes/compose/scene.ts";
import { type SceneSample, scenes } from "../../../src/datasets/scenes/scenes.ts";
import { type ScenesProgress, writeScenes } from "../../../src/datasets/scenes/write.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { testPython } from "../../support/python.ts";

interface Phrase {
  start: number;
  end: number;
  text: string;
  annotations: number[];
}
interface Files {
  instances: {
    images: { id: number; file_name: string }[];
    annotations: { id: number; image_id: number; bbox: number[] }[];
    categories: { id: number }[];
  };
  grounding: {
    images: {
      id: number;
      caption: string;
      original_img_id: number;
      kind: "caption" | "expression";
      tokens_positive_eval: number[][][];
      phrases: Phrase[];
      target?: number;
    }[];
    annotations: {
      id: number;
      image_id: number;
      bbox: number[];
      tokens_positive: [number, number][];
      instance_id: number;
    }[];
  };
  questions: {
    questions: { image_id: number; question: string; answer: string; annotations: number[]; phrases: Phrase[] }[];
    answers: string[];
  };
  captions: { annotations: { image_id: number; caption: string; phrases: Phrase[] }[] };
}

function read<Name extends keyof Files>(folder: string, name: Name): Files[Name] {
  return JSON.parse(readFileSync(join(folder, `${name}.json`), "utf8")) as Files[Name];
}

const small = { train: 12, val: 4, tune: 2, seed: 7, size: 128 };

test("the files of a split belong together", { timeout: 60_000 }, async () => {
  const out = join(temporaryFolder(), "scenes");
  const heard: ScenesProgress[] = [];
  const written = await writeScenes({ out, ...small, onProgress: (progress) => heard.push(progress) });
  const counts = {
    train: 12,
    val: 4,
    "val-pairs": 4,
    "val-categories": 4,
    "val-style": 4,
    "tune-pairs": 2,
    "tune-categories": 2,
    "tune-style": 2,
  };
  expect(written).toEqual({ out, splits: counts });
  expect(readdirSync(out).sort()).toEqual(Object.keys(counts).sort());
  expect(heard.map(({ done }) => done)).toEqual(Array.from({ length: 34 }, (_, index) => index + 1));
  for (const [split, count] of Object.entries(counts)) {
    const folder = join(out, split);
    const [instances, grounding, questions, captions] = [
      read(folder, "instances"),
      read(folder, "grounding"),
      read(folder, "questions"),
      read(folder, "captions"),
    ];
    expect(instances.images.map(({ file_name }) => file_name).sort()).toEqual(
      readdirSync(join(folder, "images")).sort(),
    );
    expect(instances.images).toHaveLength(count);
    const scenes = readFileSync(join(folder, "scenes.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as object);
    const { file_name, ...scene } = scenes[1] as { file_name: string };
    expect(file_name).toBe("000001.jpg");
    expect(scene).toEqual(composeScene({ split: split as "train", seed: 7, index: 1 }));

    const boxes = new Map(instances.annotations.map((one) => [one.id, one]));
    expect(boxes.size).toBe(instances.annotations.length);
    const phrasesFit = (text: string, image: number, phrases: Phrase[]) => {
      for (const { start, end, text: piece, annotations } of phrases) {
        expect(text.slice(start, end)).toBe(piece);
        for (const id of annotations) expect(boxes.get(id)?.image_id).toBe(image);
      }
    };
    for (const { caption, image_id, phrases } of captions.annotations) phrasesFit(caption, image_id, phrases);
    for (const one of questions.questions) {
      phrasesFit(one.question, one.image_id, one.phrases);
      expect(questions.answers).toContain(one.answer);
    }
    for (const image of grounding.images) {
      phrasesFit(image.caption, image.original_img_id, image.phrases);
      expect(image.tokens_positive_eval).toEqual(image.phrases.map(({ start, end }) => [[start, end]]));
      const own = grounding.annotations.filter(({ image_id }) => image_id === image.id);
      const meant = image.phrases.flatMap(({ annotations }) => annotations);
      expect(own.length).toBe(new Set(meant).size);
      expect(new Set(own.map(({ instance_id }) => instance_id))).toEqual(new Set(meant));
      for (const { bbox, tokens_positive, instance_id } of own) {
        expect(bbox).toEqual(boxes.get(instance_id)?.bbox);
        const mine = image.phrases.filter(({ annotations }) => annotations.includes(instance_id));
        expect(tokens_positive).toEqual(mine.map(({ start, end }) => [start, end]));
      }
    }
    for (const { target, phrases } of grounding.images.filter(({ kind }) => kind === "expression"))
      expect(phrases[0]?.annotations).toEqual([target]);
  }
});

test("pycocotools reads the boxes and masks", { timeout: 60_000 }, async () => {
  const out = join(temporaryFolder(), "scenes");
  await writeScenes({ out, train: 40, val: 0, size: 192 });
  const program = `
import json, sys
import numpy as np
from pycocotools import mask
from pycocotools.coco import COCO
coco = COCO(sys.argv[1])
for one in coco.loadAnns(coco.getAnnIds()):
    pixels = coco.annToMask(one)
    assert pixels.shape == (192, 192), pixels.shape
    assert pixels.sum() == mask.area(one["segmentation"]) == one["area"] > 0, one
    assert mask.toBbox(one["segmentation"]).tolist() == one["bbox"], one
    assert mask.encode(np.asfortranarray(pixels))["counts"].decode() == one["segmentation"]["counts"], one
for image in coco.imgs:
    masks = [coco.annToMask(one) for one in coco.imgToAnns[image]]
    assert sum(masks).max() == 1, "masks overlap"
print(json.dumps([len(coco.imgs), len(coco.anns), len(coco.cats)]))
`;
  const file = join(out, "train", "instances.json");
  const { stdout } = await promisify(execFile)(await testPython(), ["-c", program, file]);
  const { annotations, categories } = read(join(out, "train"), "instances");
  expect(JSON.parse(stdout.trim().split("\n").at(-1) as string)).toEqual([40, annotations.length, categories.length]);
});

async function collect(options: Parameters<typeof scenes>[0]): Promise<SceneSample[]> {
  const found: SceneSample[] = [];
  for await (const sample of scenes(options)) found.push(sample);
  return found;
}

test("scenes can be had without files, from any index on, and are the same", async () => {
  const all = await collect({ split: "val", seed: 2, count: 5, size: 128 });
  const [fourth] = await collect({ split: "val", seed: 2, count: 1, start: 3, size: 128 });
  expect(fourth).toEqual(all[3]);
  expect(all[0]?.picture.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]));
  expect(all[0]?.annotations.objects).toHaveLength(all[0]?.scene.objects.length ?? -1);
});

it("can be left early", async () => {
  for await (const { scene } of scenes({ count: 1000, size: 128 })) {
    expect(scene.index).toBe(0);
    break;
  }
});

test.each([
  [{ count: -1 }, "options.count"],
  [{ count: 1, size: 100 }, "options.size"],
  [{ count: 1, size: 1e9 }, "options.size"],
  [{ count: 1, seed: 0.5 }, "options.seed"],
  [{ count: 1, split: "test" }, "options.split"],
  [{ count: 1, sizes: 256 }, "options.sizes"],
])("scenes(%j) is refused: %s", async (options, path) => {
  const refused = collect(options as Parameters<typeof scenes>[0]);
  await expect(refused).rejects.toMatchObject({ code: "invalid_argument", details: { path } });
});

it("refuses a folder that is not empty, and leaves it alone", async () => {
  const out = temporaryFolder();
  writeFileSync(join(out, "mine.txt"), "mine");
  await expect(writeScenes({ out, ...small })).rejects.toMatchObject({ code: "file_error", details: { path: out } });
  expect(readdirSync(out)).toEqual(["mine.txt"]);
});

it("refuses a file, and a place where nothing can be written", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "file"), "");
  for (const out of [join(folder, "file"), join(folder, "file", "below")])
    await expect(writeScenes({ out, ...small })).rejects.toMatchObject({ code: "file_error", details: { path: out } });
});

it("fills an empty folder", async () => {
  const out = join(temporaryFolder(), "empty");
  mkdirSync(out);
  await writeScenes({ out, train: 1, val: 0, size: 128 });
  expect(readdirSync(join(out, "train", "images"))).toEqual(["000000.jpg"]);
});

it("leaves nothing behind when it is cancelled", async () => {
  const folder = temporaryFolder();
  const stop = new AbortController();
  const reason = new Error("enough");
  const onProgress = ({ done }: ScenesProgress) => {
    if (done === 5) stop.abort(reason);
  };
  const writing = writeScenes({ out: join(folder, "scenes"), train: 1000, signal: stop.signal, onProgress, size: 128 });
  await expect(writing).rejects.toMatchObject({ code: "cancelled", cause: reason });
  expect(readdirSync(folder)).toEqual([]);
  expect(existsSync(join(folder, "scenes"))).toBe(false);
});
