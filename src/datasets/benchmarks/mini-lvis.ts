import { join } from "node:path";
import { copyPictures, type Instances, writeJson } from "./instances.ts";

/** Categories that each picture is known not to have. */
const NEGATIVE = 20;

/**
 * LVIS minival: COCO's pictures, and of each which categories it is known to lack. Not even all categories that a scene
 * lacks are told, so that what is found of the others counts nowhere, as with LVIS.
 */
export async function writeMiniLvis(from: string, instances: Instances, to: string): Promise<void> {
  const images = await copyPictures(from, instances, to);
  const { annotations, categories } = instances;
  const content = {
    ...instances,
    images: images.map(({ file_name, ...image }, place) => {
      const there = new Set(annotations.filter((one) => one.image_id === image.id).map((one) => one.category_id));
      const absent = categories.map(({ id }) => id).filter((id) => !there.has(id));
      return {
        ...image,
        coco_url: `http://images.cocodataset.org/val2017/${file_name}`,
        // Others for each picture, and the same each time.
        neg_category_ids: absent.filter((_, index) => (index + place) % Math.ceil(absent.length / NEGATIVE) === 0),
        not_exhaustive_category_ids: [...there].slice(0, place % 3 === 0 ? 1 : 0),
      };
    }),
    categories: categories.map((category, place) => ({ ...category, ...frequencyOf(place, categories.length) })),
  };
  await writeJson(join(to, "coco", "annotations", "lvis_v1_minival_inserted_image_name.json"), content);
}

/** A third of each, spread over all of them; the count of training pictures is one that the group may have. */
function frequencyOf(place: number, count: number): { frequency: string; image_count: number } {
  const groups = [
    { frequency: "r", image_count: 5 },
    { frequency: "c", image_count: 50 },
    { frequency: "f", image_count: 100 + count },
  ] as const;
  return groups[place % groups.length] as (typeof groups)[number];
}
