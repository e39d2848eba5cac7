import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { miniBenchmark } from "../../../src/datasets/benchmarks/mini.ts";
import { miniOdinwSets } from "../../../src/datasets/benchmarks/mini-odinw.ts";
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
    expect(images[0]?.file_name).toBe("000000000001.jpg");
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

  it("has Flickr30K's layout: two files of the same sentences, and the boxes of their phrases", async () => {
    const root = await miniBenchmark("flickr30k", { out: join(temporaryFolder(), "mini") });
    const entities = join(root, "flickr30k", "flickr30k");
    const ids = readFileSync(join(entities, "test.txt"), "utf8").trim().split("\n");
    expect(ids).toHaveLength(12);
    const { images, annotations } = JSON.parse(
      readFileSync(join(root, "mdetr_annotations", "final_flickr_separateGT_test.json"), "utf8"),
    ) as {
      images: { id: number; caption: string; original_img_id: number; tokens_positive_eval: [[number, number]][] }[];
      annotations: { image_id: number; bbox: number[] }[];
    };
    for (const id of ids) {
      expect(existsSync(join(root, "flickr30k", "flickr30k_images", `${id}.jpg`))).toBe(true);
      const xml = readFileSync(join(entities, "Annotations", `${id}.xml`), "utf8");
      const lines = readFileSync(join(entities, "Sentences", `${id}.txt`), "utf8")
        .trim()
        .split("\n");
      const mine = images.filter(({ original_img_id }) => String(original_img_id) === id);
      expect(mine).toHaveLength(lines.length);
      lines.forEach((line, place) => {
        const { id: image, caption = "", tokens_positive_eval = [] } = mine[place] ?? {};
        expect(line.replace(/\[\/EN#\d+\/\w+ ([^\]]*)\]/g, "$1")).toBe(caption);
        const said = [...line.matchAll(/\[\/EN#(\d+)\/(\w+) ([^\]]*)\]/g)];
        expect(tokens_positive_eval.map(([span]) => caption.slice(...span))).toEqual(
          said.map(([, , , words]) => words),
        );
        for (const [, entity, type] of said) {
          expect(xml).toContain(`<name>${entity}</name>`);
          expect(["animals", "vehicles", "instruments", "clothing", "other"]).toContain(type);
        }
        expect(annotations.some(({ image_id }) => image_id === image)).toBe(true);
      });
    }
  });

  it("has PhraseCut's layout: polygons of all objects that a phrase speaks of", async () => {
    const root = await miniBenchmark("phrasecut", { out: join(temporaryFolder(), "mini") });
    const folder = join(root, "VGPhraseCut_v0");
    const tasks = JSON.parse(readFileSync(join(folder, "refer_test.json"), "utf8")) as {
      task_id: string;
      image_id: number;
      phrase: string;
      instance_boxes: [number, number, number, number][];
      Polygons: [number, number][][][];
      phrase_structure: { type: string; attributes: string[]; relation_descriptions: string[][] };
    }[];
    const sizes = JSON.parse(readFileSync(join(folder, "image_data_split.json"), "utf8")) as { image_id: number }[];
    expect(new Set(tasks.map(({ image_id }) => image_id))).toEqual(new Set(sizes.map(({ image_id }) => image_id)));
    expect(new Set(tasks.map(({ task_id }) => task_id)).size).toBe(tasks.length);
    expect(tasks.some(({ Polygons }) => Polygons.length > 1)).toBe(true);
    for (const { image_id, phrase, instance_boxes, Polygons, phrase_structure } of tasks) {
      expect(existsSync(join(folder, "images", `${image_id}.jpg`))).toBe(true);
      expect(Polygons).toHaveLength(instance_boxes.length);
      instance_boxes.forEach(([x, y, width, height], object) => {
        const points = (Polygons[object] ?? []).flat();
        const [xs, ys] = [points.map(([x]) => x), points.map(([, y]) => y)];
        expect([Math.min(...xs), Math.min(...ys)]).toEqual([x, y]);
        expect([Math.max(...xs), Math.max(...ys)]).toEqual([x + width - 1, y + height - 1]);
      });
      const words = [...phrase_structure.attributes, ...phrase_structure.relation_descriptions.flat()];
      expect(words.every((word) => phrase.includes(word))).toBe(true);
      expect(phrase_structure.type === "name").toBe(words.length === 0);
    }
  });

  it("has RefCOCO's layout: an image and an object for each expression of a split", async () => {
    const root = await miniBenchmark("refcoco", { out: join(temporaryFolder(), "mini") });
    const pictures = ["val", "testA", "testB"].map((split) => {
      const { images, annotations } = JSON.parse(
        readFileSync(join(root, "mdetr_annotations", `finetune_refcoco_${split}.json`), "utf8"),
      ) as {
        images: { id: number; caption: string; file_name: string; original_id: number }[];
        annotations: { image_id: number; tokens_positive: [[number, number]] }[];
      };
      expect(annotations.map(({ image_id }) => image_id)).toEqual(images.map(({ id }) => id));
      images.forEach(({ file_name, caption, original_id }, place) => {
        expect(file_name).toBe(`COCO_train2014_${String(original_id).padStart(12, "0")}.jpg`);
        expect(existsSync(join(root, "coco", "train2014", file_name))).toBe(true);
        const [span = [0, 0]] = annotations[place]?.tokens_positive ?? [];
        expect(caption.slice(...span)).toMatch(/^the /);
      });
      return new Set(images.map(({ file_name }) => file_name)).size;
    });
    expect(pictures).toEqual([6, 3, 3]);
  });

  it("has ODinW's layout: each set with what it is measured on and what it is learnt from", async () => {
    const out = await miniBenchmark("odinw", { out: join(temporaryFolder(), "mini") });
    const folders = {
      "AerialMaritimeDrone/large": ["train/", "valid/"],
      "EgoHands/generic": ["train/", "mini_val/"],
      "pistols/export": ["train_", "val_"],
    };
    expect(miniOdinwSets).toEqual(["AerialMaritimeDrone_large", "EgoHands_generic", "pistols"]);
    for (const [folder, splits] of Object.entries(folders)) {
      const seen = splits.map((split) => {
        const file = `${split}annotations_without_background.json`;
        const { images, annotations, categories } = read(out, "odinw", folder, file);
        for (const { file_name = "" } of images)
          expect(existsSync(join(out, "odinw", folder, split.endsWith("/") ? split : "", file_name))).toBe(true);
        expect(new Set(annotations.map(({ image_id }) => image_id))).toEqual(new Set(images.map(({ id }) => id)));
        expect(categories.map(({ id }) => id)).toEqual(categories.map((_, place) => place + 1));
        expect(annotations.every(({ category_id }) => category_id <= categories.length)).toBe(true);
        return { ids: images.map(({ id }) => id), names: categories.map(({ name }) => name) };
      });
      expect(seen.map(({ ids }) => ids.length)).toEqual([4, 4]);
      expect(seen[0]?.ids.some((id) => seen[1]?.ids.includes(id))).toBe(false);
      expect(seen[0]?.names).toEqual(seen[1]?.names);
    }
  });

  it("has VQAv2's layout: questions, ten people's answers, and those that candidates come from", async () => {
    interface Questions {
      data_subtype: string;
      questions: { image_id: number; question_id: number; question: string }[];
    }
    interface Answers {
      annotations: { question_id: number; image_id: number; answer_type: string; answers: { answer: string }[] }[];
    }
    const out = await miniBenchmark("vqav2", { out: join(temporaryFolder(), "mini") });
    const json = <Content>(...path: string[]): Content =>
      JSON.parse(readFileSync(join(out, "vqav2", ...path), "utf8")) as Content;
    const asked = json<Questions>("Questions", "v2_OpenEnded_mscoco_val2014_questions.json");
    const answered = json<Answers>("Annotations", "v2_mscoco_val2014_annotations.json").annotations;
    const train = json<Answers>("Annotations", "v2_mscoco_train2014_annotations.json").annotations;
    expect(asked.data_subtype).toBe("val2014");
    const ids = asked.questions.map(({ question_id }) => question_id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(answered.map(({ question_id }) => question_id)).toEqual(ids);
    expect(answered.every(({ answers }) => answers.length === 10)).toBe(true);
    expect(new Set(answered.map(({ answer_type }) => answer_type))).toEqual(new Set(["yes/no", "number", "other"]));
    const known = new Set(train.map(({ answers }) => answers[0]?.answer));
    expect(answered.every(({ answers }) => known.has(answers[0]?.answer))).toBe(true);
    for (const { image_id } of asked.questions) {
      const name = `COCO_val2014_${String(image_id).padStart(12, "0")}.jpg`;
      expect(existsSync(join(out, "coco", "val2014", name))).toBe(true);
    }
  });

  it("has the form of Karpathy's splits of COCO's captions", async () => {
    interface Splits {
      images: { filepath: string; filename: string; cocoid: number; split: string; sentences: { raw: string }[] }[];
    }
    const out = await miniBenchmark("captions", { out: join(temporaryFolder(), "mini") });
    const file = join(out, "coco", "annotations", "dataset_coco.json");
    const { images } = JSON.parse(readFileSync(file, "utf8")) as Splits;
    expect(images).toHaveLength(12);
    for (const { filepath, filename, split, sentences } of images) {
      expect(existsSync(join(out, "coco", filepath, filename))).toBe(true);
      expect(split).toBe("test");
      expect(sentences.length).toBeGreaterThan(0);
    }
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
