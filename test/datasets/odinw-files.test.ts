import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, it } from "vitest";
import { OdinwFolder } from "../../src/datasets/odinw-files.ts";
import { temporaryFolder } from "../support/folders.ts";

function folderWith(...files: string[]): string {
  const folder = temporaryFolder();
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "{}");
  }
  return folder;
}

it("finds splits that are folders, and what was drawn of them", () => {
  const drawn = "train/fewshot_train_shot3_seed30.json";
  const file = "annotations_without_background.json";
  const folder = folderWith(`train/${file}`, drawn, `mini_val/${file}`);
  const set = new OdinwFolder(folder);
  expect(set.split("train")).toEqual({ annotations: join(folder, "train", file), images: join(folder, "train") });
  expect(set.split("minival")?.images).toBe(join(folder, "mini_val"));
  expect(set.split("val")).toBeUndefined();
  expect(set.drawn("train", 3, 30)).toEqual({ annotations: join(folder, drawn), images: join(folder, "train") });
  expect(set.drawn("train", 3, 3)).toBeUndefined();
  expect(set.drawn("val", 3, 30)).toBeUndefined();
});

it("finds splits that are files beside all pictures", () => {
  const [val, drawn] = ["val_annotations_without_background.json", "fewshot_val_shot1_seed3.json"];
  const folder = folderWith(val, drawn);
  const set = new OdinwFolder(folder);
  expect(set.split("val")).toEqual({ annotations: join(folder, val), images: folder });
  expect(set.drawn("val", 1, 3)).toEqual({ annotations: join(folder, drawn), images: folder });
  expect(set.split("test")).toBeUndefined();
});
