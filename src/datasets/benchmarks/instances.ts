import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ImageRecord } from "../scenes/files/records.ts";

/** What `instances.json` of the scenes says. */
export interface Instances {
  images: ImageRecord[];
  annotations: { id: number; image_id: number; category_id: number }[];
  categories: { id: number; name: string }[];
}

/** COCO's name of a picture: its number in twelve digits. */
export function cocoName(id: number): string {
  return `${String(id).padStart(12, "0")}.jpg`;
}

/** The same with the split before it, as in 2014. */
export function coco2014Name(split: string): (image: ImageRecord) => string {
  return ({ id }) => `COCO_${split}_${cocoName(id)}`;
}

/** Copies the pictures into `coco/val2017`. @returns the images under their names there */
export async function copyPictures(from: string, { images }: Instances, to: string): Promise<ImageRecord[]> {
  return copyImages(from, images, join(to, "coco", "val2017"), ({ id }) => cocoName(id));
}

/** @returns the images under the names that they have in the folder `to` */
export async function copyImages(
  from: string,
  images: readonly ImageRecord[],
  to: string,
  nameOf: (image: ImageRecord) => string,
): Promise<ImageRecord[]> {
  await mkdir(to, { recursive: true });
  return Promise.all(
    images.map(async (image) => {
      const name = nameOf(image);
      await copyFile(join(from, "images", image.file_name), join(to, name));
      return { ...image, file_name: name };
    }),
  );
}

/** What a file of the scenes says. */
export async function readScenes<Content>(from: string, file: string): Promise<Content> {
  return JSON.parse(await readFile(join(from, file), "utf8")) as Content;
}

export async function writeJson(file: string, content: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(content)}\n`);
}
