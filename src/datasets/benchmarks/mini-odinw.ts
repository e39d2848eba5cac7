import { join } from "node:path";
import type { ImageRecord } from "../scenes/files/records.ts";
import { copyImages, type Instances, writeJson } from "./instances.ts";

const FILE = "annotations_without_background.json";

/** One of each form that the layout has: split in folders, with a smaller part of `valid`, and all in one folder. */
const sets = [
  { name: "AerialMaritimeDrone_large", folder: "AerialMaritimeDrone/large", train: "train/", measured: "valid/" },
  { name: "EgoHands_generic", folder: "EgoHands/generic", train: "train/", measured: "mini_val/" },
  { name: "pistols", folder: "pistols/export", train: "train_", measured: "val_" },
] as const;

/** The sets of the miniature, by the benchmark's names. */
export const miniOdinwSets: string[] = sets.map(({ name }) => name);

/**
 * Three sets of ODinW, each with a part of the scenes: the first half of its pictures to learn from, the others to be
 * measured on.
 */
export async function writeMiniOdinw(from: string, instances: Instances, to: string): Promise<void> {
  const each = Math.floor(instances.images.length / sets.length);
  for (const [place, { folder, train, measured }] of sets.entries()) {
    const images = instances.images.slice(place * each, (place + 1) * each);
    const part = renumbered(instances, images);
    const half = Math.ceil(each / 2);
    for (const [prefix, some] of [
      [train, images.slice(0, half)],
      [measured, images.slice(half)],
    ] as const) {
      const pictures = join(to, "odinw", folder, prefix.endsWith("/") ? prefix : "");
      const copied = await copyImages(from, some, pictures, ({ id }) => `${id}.jpg`);
      const ids = new Set(some.map(({ id }) => id));
      const annotations = part.annotations.filter(({ image_id }) => ids.has(image_id));
      await writeJson(join(to, "odinw", folder, prefix + FILE), { ...part, images: copied, annotations });
    }
  }
}

/** Only the categories of these pictures, counted from 1. */
function renumbered({ categories, annotations, ...rest }: Instances, images: readonly ImageRecord[]): Instances {
  const ids = new Set(images.map(({ id }) => id));
  const kept = annotations.filter(({ image_id }) => ids.has(image_id));
  const there = categories.filter(({ id }) => kept.some(({ category_id }) => category_id === id));
  const number = new Map(there.map(({ id }, index) => [id, index + 1]));
  return {
    ...rest,
    annotations: kept.map((one) => ({ ...one, category_id: number.get(one.category_id) as number })),
    categories: there.map((one) => ({ ...one, id: number.get(one.id) as number })),
  };
}
