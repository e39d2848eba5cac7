import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { checkDatasetFiles } from "../../src/datasets/check.ts";
import { coco } from "../../src/datasets/coco.ts";
import { cocoCaptions } from "../../src/datasets/coco-captions.ts";
import { datasetSchema, formatNames } from "../../src/datasets/dataset.ts";
import { flickr30k } from "../../src/datasets/flickr30k.ts";
import { lvis } from "../../src/datasets/lvis.ts";
import { mdetr } from "../../src/datasets/mdetr.ts";
import { odinw } from "../../src/datasets/odinw.ts";
import { odvg } from "../../src/datasets/odvg.ts";
import { sceneFolder } from "../../src/datasets/scene-folder.ts";
import { voc } from "../../src/datasets/voc.ts";
import { vqav2 } from "../../src/datasets/vqav2.ts";
import { yolo } from "../../src/datasets/yolo.ts";
import type { GlipError } from "../../src/errors.ts";
import { sources } from "../../src/protocol/sources.ts";
import { temporaryFolder } from "../support/folders.ts";

const thrownBy = (call: () => unknown): GlipError => {
  try {
    call();
  } catch (error) {
    return error as GlipError;
  }
  throw new Error("nothing was thrown");
};

describe.each([
  ["coco", coco],
  ["mdetr", mdetr],
  ["coco-captions", cocoCaptions],
] as const)("%s", (format, describeSet) => {
  it("takes relative paths from the working directory, and reads nothing", () => {
    expect(describeSet("no/such.json", "no/such/folder")).toEqual({
      format,
      annotations: resolve("no/such.json"),
      images: resolve("no/such/folder"),
      copies: 1,
    });
  });

  it("leaves absolute paths, and takes copies", () => {
    expect(describeSet("/data/a.json", "/data/b", { copies: 8 })).toEqual({
      format,
      annotations: "/data/a.json",
      images: "/data/b",
      copies: 8,
    });
  });

  it.each([
    [() => describeSet("", "b"), "annotations: expected string with >=1 characters", "annotations"],
    [() => describeSet("a", 1 as unknown as string), "images: expected string, got 1", "images"],
    [() => describeSet("a", "b", { copies: 0 }), "options.copies: expected number >=1, got 0", "options.copies"],
    [() => describeSet("a", "b", { copies: 1.5 }), "options.copies: expected int, got 1.5", "options.copies"],
  ])("names what does not fit: %#", (call, message, path) => {
    const error = thrownBy(call);
    expect(error).toMatchObject({ code: "invalid_argument", details: { path } });
    expect(error.message).toContain(message);
  });
});

describe.each([
  [lvis("a.json", "b"), { format: "lvis", annotations: resolve("a.json"), images: resolve("b") }],
  [
    odvg("a.jsonl", "b", { labels: "c.json", copies: 2 }),
    { format: "odvg", annotations: resolve("a.jsonl"), images: resolve("b"), labels: resolve("c.json"), copies: 2 },
  ],
  [
    flickr30k("a", "b", { split: "train.txt", share: 0.5 }),
    { format: "flickr30k", images: resolve("a"), entities: resolve("b"), split: resolve("train.txt"), share: 0.5 },
  ],
  [voc("Annotations", "a"), { format: "voc", annotations: resolve("Annotations"), images: resolve("a") }],
  [yolo("data.yaml", "val"), { format: "yolo", file: resolve("data.yaml"), split: "val" }],
  [odinw("Aquarium", "valid"), { format: "odinw", folder: resolve("Aquarium"), split: "valid" }],
  [
    vqav2("q.json", "a.json", "b"),
    {
      format: "vqav2",
      questions: resolve("q.json"),
      annotations: resolve("a.json"),
      images: resolve("b"),
      answers: 3129,
    },
  ],
  [
    vqav2("q.json", "a.json", "b", { answers: 10, copies: 2 }),
    {
      format: "vqav2",
      questions: resolve("q.json"),
      annotations: resolve("a.json"),
      images: resolve("b"),
      answers: 10,
      copies: 2,
    },
  ],
  [sceneFolder("scenes/train"), { format: "scenes", folder: resolve("scenes/train") }],
] as const)("%j", (made, expected) => {
  it("has absolute paths, and is its own literal", () => {
    expect(made).toEqual({ copies: 1, ...expected });
    expect(datasetSchema.parse(expected)).toEqual(made);
  });

  it("is looked for", () => {
    expect(thrownBy(() => checkDatasetFiles(made, "data")).message).toMatch(
      /^data\.\w+: expected a (file|folder) that can be read, got \//,
    );
  });
});

it.each([
  [() => yolo("a.yaml", "valid" as "val"), 'split: expected one of "train"|"val"|"test", got "valid"'],
  [() => odinw("a", "val" as "valid"), 'split: expected one of "train"|"valid"|"test", got "val"'],
  [() => odvg("a", "b", { labels: "" }), "options.labels: expected string with >=1 characters"],
  [() => voc("a", "b", { labels: "c" } as object), "options.labels: expected nothing of that name"],
  [() => vqav2("a", "", "c"), "annotations: expected string with >=1 characters"],
  [() => vqav2("a", "b", "c", { answers: 0 }), "options.answers: expected number >=1, got 0"],
  [() => sceneFolder("a", { share: 0 }), "options.share: expected number >0, got 0"],
])("what does not fit is named: %#", (call, message) => {
  expect(thrownBy(call).message).toContain(message);
});

it("has the formats of the wire", () => {
  expect(new Set<string>(formatNames)).toEqual(new Set(Object.keys(sources)));
});

it("a literal fits as well; its paths are made absolute", () => {
  const set = { format: "coco", annotations: "a.json", images: "b" } as const;
  expect(datasetSchema.parse(set)).toEqual(coco("a.json", "b"));
});

describe("the files of a dataset", () => {
  const made = () => {
    const folder = temporaryFolder();
    mkdirSync(join(folder, "images"));
    writeFileSync(join(folder, "a.json"), "");
    return folder;
  };

  it("are there", () => {
    const folder = made();
    expect(() => checkDatasetFiles(coco(join(folder, "a.json"), join(folder, "images")), "options.val")).not.toThrow();
  });

  it.each([
    ["b.json", "images", "options.val.annotations: expected a file that can be read, got", "it does not exist"],
    ["images", "images", "options.val.annotations: expected a file that can be read, got", "it is a folder"],
    ["a.json", "pictures", "options.val.images: expected a folder that can be read, got", "it does not exist"],
    ["a.json", "a.json", "options.val.images: expected a folder that can be read, got", "it is not a folder"],
    ["a.json/b", "images", "options.val.annotations: expected a file that can be read, got", "ENOTDIR"],
  ])("%s with %s", (annotations, images, message, reason) => {
    const folder = made();
    const set = coco(join(folder, annotations), join(folder, images));
    const error = thrownBy(() => checkDatasetFiles(set, "options.val"));
    const path = message.includes("images") ? set.images : set.annotations;
    expect(error.code).toBe("file_error");
    expect(error.details).toMatchObject({ path, reason: expect.stringContaining(reason) as string });
    expect(error.message).toBe(`${message} ${path}: ${(error.details as { reason: string }).reason}`);
  });
});
