import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type OverlayOptions } from "sharp";
import { launch, type SceneFolder } from "glip-sdk";

/** Pictures side by side. */
const COUNT = 3;
const SIDE = 384;
const THRESHOLD = 0.4;

interface Instances {
  images: { id: number; file_name: string }[];
  categories: { name: string }[];
  annotations: { image_id: number }[];
}

/** The pictures with the most objects, as glip-nano sees them (above) and as the tuned weights do (below). */
export async function writeComparison(
  path: string,
  { folder }: SceneFolder,
  weights: string,
  threads: number | undefined,
): Promise<string> {
  const { images, categories, annotations } = JSON.parse(
    readFileSync(join(folder, "instances.json"), "utf8"),
  ) as Instances;
  const count = (id: number): number => annotations.filter((one) => one.image_id === id).length;
  const pictures = images.toSorted((a, b) => count(b.id) - count(a.id)).slice(0, COUNT);
  const names = categories.map(({ name }) => name);
  const tiles: OverlayOptions[] = [];
  for (const [row, model] of [{}, { weights }].entries()) {
    await using glip = await launch({
      engine: "native",
      model: "weights" in model ? undefined : "glip-nano",
      ...model,
      threads,
    });
    for (const [column, picture] of pictures.entries()) {
      const seen = await glip.detect(join(folder, "images", picture.file_name), names, { threshold: THRESHOLD });
      const input = await sharp(await seen.encode("png"))
        .resize(SIDE, SIDE)
        .toBuffer();
      tiles.push({ input, left: column * (SIDE + 8), top: row * (SIDE + 8) });
    }
  }
  const [width, height] = [COUNT * (SIDE + 8) - 8, 2 * (SIDE + 8) - 8];
  const canvas = sharp({ create: { width, height, channels: 3, background: "white" } });
  await writeFile(path, await canvas.composite(tiles).png().toBuffer());
  return path;
}
