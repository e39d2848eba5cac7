import { join } from "node:path";
import { copyPictures, type Instances, writeJson } from "./instances.ts";

/** COCO val2017: `coco/val2017/` and `coco/annotations/instances_val2017.json`. */
export async function writeMiniCoco(from: string, instances: Instances, to: string): Promise<void> {
  const images = await copyPictures(from, instances, to);
  await writeJson(join(to, "coco", "annotations", "instances_val2017.json"), { ...instances, images });
}
