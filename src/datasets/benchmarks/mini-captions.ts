import { join } from "node:path";
import { coco2014Name, copyImages, type Instances, readScenes, writeJson } from "./instances.ts";

/** What `captions.json` of the scenes says. */
interface Captions {
  annotations: { id: number; image_id: number; caption: string }[];
}

const SPLIT = "val2014";

/** COCO's captions in the splits of Karpathy: `coco/annotations/dataset_coco.json`, of which all pictures are `test`. */
export async function writeMiniCaptions(from: string, instances: Instances, to: string): Promise<void> {
  const copied = await copyImages(from, instances.images, join(to, "coco", SPLIT), coco2014Name(SPLIT));
  const { annotations } = await readScenes<Captions>(from, "captions.json");
  const images = copied.map(({ id, file_name }, place) => {
    const told = annotations.filter(({ image_id }) => image_id === id);
    return {
      filepath: SPLIT,
      filename: file_name,
      imgid: place,
      cocoid: id,
      split: "test",
      sentids: told.map((one) => one.id),
      sentences: told.map((one) => ({
        tokens: one.caption.toLowerCase().match(/\w+/g) ?? [],
        raw: one.caption,
        imgid: place,
        sentid: one.id,
      })),
    };
  });
  await writeJson(join(to, "coco", "annotations", "dataset_coco.json"), { dataset: "coco", images });
}
