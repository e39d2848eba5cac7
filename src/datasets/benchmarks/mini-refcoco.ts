import { join } from "node:path";
import { copyImages, type Instances, writeJson } from "./instances.ts";
import { objectsOf, readSentences, type SceneObject } from "./scene-words.ts";

/** As many pictures for validation as for the two tests together. */
const splits = ["val", "testA", "val", "testB"] as const;

/** RefCOCO: COCO's pictures, and MDETR's file of each split with an expression for each of its images. */
export async function writeMiniRefcoco(from: string, instances: Instances, to: string): Promise<void> {
  const images = await copyImages(
    from,
    instances.images,
    join(to, "coco", "train2014"),
    ({ id }) => `COCO_train2014_${String(id).padStart(12, "0")}.jpg`,
  );
  const objects = objectsOf(instances);
  const expressions = (await readSentences(from)).filter(({ kind }) => kind === "expression");
  for (const split of new Set(splits)) {
    const mine = images.filter((_, place) => splits[place % splits.length] === split);
    const content = { images: [] as object[], annotations: [] as object[] };
    for (const image of mine)
      for (const { original_img_id, caption, target, phrases } of expressions) {
        if (original_img_id !== image.id) continue;
        const { bbox, area, category_id } = objects.get(target as number) as SceneObject;
        const id = content.images.length;
        const tokens_negative = [[0, caption.length]];
        content.images.push({
          ...image,
          id,
          original_id: image.id,
          caption,
          dataset_name: "refcoco",
          tokens_negative,
        });
        const tokens_positive = phrases.slice(0, 1).map(({ start, end }) => [start, end]);
        content.annotations.push({
          id,
          image_id: id,
          category_id,
          bbox,
          area,
          iscrowd: 0,
          original_id: target,
          tokens_positive,
        });
      }
    const file = join(to, "mdetr_annotations", `finetune_refcoco_${split}.json`);
    await writeJson(file, { info: {}, licenses: [], ...content, categories: instances.categories });
  }
}
