import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { miniBenchmark } from "../../../src/datasets/benchmarks/mini.ts";
import { failure } from "../../support/faults.ts";
import { temporaryFolder } from "../../support/folders.ts";

interface File {
  images: { id: number; file_name?: string; coco_url?: string; neg_category_ids?: number[] }[];
  annotations: { image_id: number; category_id: number }[];
  categories: { id: number; name: string; frequency?: string }[];
}

const read = (...path: string[]): File => JSON.parse(readFileSync(join(...path), "utf8")) as File;

describe("a benchmark in miniature", { timeout: 60_000 }, () => {
  it("has COCO's layout, is drawn once and kept", async () => {
    const home = temporaryFolder();
    const told: number[] = [];
    const root = await miniBenchmark("coco", { home, onProgress: ({ done }) => told.push(done) });
    expect(told.at(-1)).toBe(12);
    const { images, annotations, categories } = read(root, "coco", "annotations", "instances_val2017.json");
    expect(images.map(({ file_name }) => file_name)).toEqual(readdirSync(join(root, "coco", "val2017")).sort());
    expect(images[0]?.file_name).toBe("000000000001.png");
    const known = new Set(categories.map(({ id }) => id));
    expect(annotations.every(({ category_id }) => known.has(category_id))).toBe(true);
    expect(await miniBenchmark("coco", { home, onProgress: () => expect.fail("it is there") })).toBe(root);
    expect(readdirSync(join(root, ".."))).toEqual(["mini-coco"]);
  });

  it("has LVIS's layout, and what LVIS adds to COCO's form", async () => {
    const out = join(temporaryFolder(), "mini");
    expect(await miniBenchmark("lvis", { out })).toBe(out);
    const { images, annotations, categories } = read(
      out,
      "coco",
      "annotations",
      "lvis_v1_minival_inserted_image_name.json",
    );
    for (const { id, coco_url = "", neg_category_ids = [] } of images) {
      expect(existsSync(join(out, "coco", ...coco_url.split("/").slice(-2)))).toBe(true);
      const there = annotations.filter(({ image_id }) => image_id === id).map(({ category_id }) => category_id);
      expect(neg_category_ids.length).toBeGreaterThan(10);
      expect(neg_category_ids.length + new Set(there).size).toBeLessThan(categories.length);
      expect(neg_category_ids.filter((category) => there.includes(category))).toEqual([]);
    }
    expect(new Set(categories.map(({ frequency }) => frequency))).toEqual(new Set(["r", "c", "f"]));
  });

  it("is not drawn over what is there, and nothing half is left", async () => {
    const out = temporaryFolder();
    writeFileSync(join(out, "mine.txt"), "");
    const error = await failure(miniBenchmark("coco", { out }), "file_error");
    expect(error.details.path).toBe(out);
    const stop = new AbortController();
    const made = join(out, "made");
    const onProgress = (): void => stop.abort(new Error("enough"));
    await failure(miniBenchmark("coco", { out: made, signal: stop.signal, onProgress }), "cancelled");
    expect(readdirSync(out)).toEqual(["mine.txt"]);
  });

  it("is one that there is", async () => {
    const error = await failure(miniBenchmark("cocoa" as "coco"), "invalid_argument");
    expect(error.details.path).toBe("benchmark");
  });
});
