import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { collectData, dataForms, parseData } from "../../src/cli/data.ts";

describe("data on the command line", () => {
  it.each<[string, object]>([
    ["coco:a.json,images", { format: "coco", annotations: resolve("a.json"), images: resolve("images") }],
    ["lvis:a.json,/images", { format: "lvis", annotations: resolve("a.json"), images: "/images" }],
    ["mdetr:a.json,b,copies=3", { format: "mdetr", annotations: resolve("a.json"), images: resolve("b"), copies: 3 }],
    [
      "odvg:a.jsonl,b,labels=c.json,share=0.25",
      { format: "odvg", annotations: resolve("a.jsonl"), images: resolve("b"), labels: resolve("c.json"), share: 0.25 },
    ],
    [
      "flickr30k:b,entities,split=train.txt",
      { format: "flickr30k", images: resolve("b"), entities: resolve("entities"), split: resolve("train.txt") },
    ],
    ["voc:Annotations,b", { format: "voc", annotations: resolve("Annotations"), images: resolve("b") }],
    ["yolo:data.yaml,train", { format: "yolo", file: resolve("data.yaml"), split: "train" }],
    ["odinw:Aquarium,valid", { format: "odinw", folder: resolve("Aquarium"), split: "valid" }],
    ["coco-captions:a.json,b", { format: "coco-captions", annotations: resolve("a.json"), images: resolve("b") }],
    [
      "vqav2:q.json,a.json,b,answers=1000",
      {
        format: "vqav2",
        questions: resolve("q.json"),
        annotations: resolve("a.json"),
        images: resolve("b"),
        answers: 1000,
      },
    ],
    ["scenes:scenes/train", { format: "scenes", folder: resolve("scenes/train") }],
  ])("%s", (given, expected) => {
    expect(parseData(given)).toEqual({ copies: 1, ...expected });
  });

  it.each([
    ["train.json", `Expected one of ${dataForms.join(", ")}.`],
    ["kitti:a", `Expected one of ${dataForms.join(", ")}.`],
    ["constructor:a", `Expected one of ${dataForms.join(", ")}.`],
    ["coco:a.json", "Expected coco:ANNOTATIONS,IMAGES."],
    ["vqav2:q.json,a.json", "Expected vqav2:QUESTIONS,ANNOTATIONS,IMAGES."],
    ["vqav2:q.json,a.json,b,answers=some", 'options.answers: expected number, got "some"'],
    ["coco:a.json,", 'Expected coco:ANNOTATIONS,IMAGES: images: expected string with >=1 characters, got "".'],
    ["coco:a.json,b,c", "Expected KEY=VALUE behind the places, got c."],
    ["coco:a.json,b,copies=0", "Expected coco:ANNOTATIONS,IMAGES: options.copies: expected number >=1, got 0."],
    ["voc:a,b,labels=c", "Expected voc:ANNOTATIONS,IMAGES: options.labels: expected nothing of that name"],
    ["yolo:a.yaml,valid", 'Expected yolo:FILE,SPLIT: split: expected one of "train"|"val"|"test", got "valid".'],
  ])("%s is refused", (given, message) => {
    expect(() => parseData(given)).toThrow(message);
  });

  it("is collected", () => {
    expect(collectData("scenes:b", collectData("scenes:a"))).toEqual([parseData("scenes:a"), parseData("scenes:b")]);
  });
});
