import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { coco } from "../../src/datasets/coco.ts";

/** What is in the pictures; the small model's vocabulary has these words. */
export const categories = ["person", "cup", "cat", "dog", "man"];

const WIDTH = 160;
const HEIGHT = 128;

/** COCO's form. */
export interface CocoFile {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: {
    id: number;
    image_id: number;
    category_id: number;
    bbox: [number, number, number, number];
    area: number;
    iscrowd: 0 | 1;
  }[];
  categories: { id: number; name: string }[];
}

/** Five pictures, each with a box of its category, written into `folder`; `change` may damage the annotations. */
export async function annotatedPictures(folder: string, change: (file: CocoFile) => void = () => {}) {
  const images = join(folder, "images");
  mkdirSync(images, { recursive: true });
  const file: CocoFile = {
    images: [],
    annotations: [],
    categories: categories.map((name, index) => ({ id: index + 1, name })),
  };
  for (const index of categories.keys()) {
    const [id, left, top, width, height] = [index + 1, 10 * index, 8 * index, 60, 50] as const;
    const background = { r: 40 * index, g: 120, b: 255 - 40 * index };
    const box = await sharp({ create: { width, height, channels: 3, background: { r: 250, g: 40 * index, b: 30 } } })
      .png()
      .toBuffer();
    await sharp({ create: { width: WIDTH, height: HEIGHT, channels: 3, background } })
      .composite([{ input: box, left, top }])
      .png()
      .toFile(join(images, `${id}.png`));
    file.images.push({ id, file_name: `${id}.png`, width: WIDTH, height: HEIGHT });
    const bbox: [number, number, number, number] = [left, top, width, height];
    file.annotations.push({ id, image_id: id, category_id: id, bbox, area: width * height, iscrowd: 0 });
  }
  change(file);
  const annotations = join(folder, "annotations.json");
  writeFileSync(annotations, JSON.stringify(file));
  return coco(annotations, images);
}
