import { readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import sharp, { type OverlayOptions } from "sharp";
import { launch, type SceneFolder } from "glip-sdk";

/** Pictures side by side. */
const COUNT = 4;
/** Objects of each: a person is to see which box is whose. */
const MOST_OBJECTS = 4;
const SIDE = 384;
const GAP = 8;
const THRESHOLD = 0.5;

interface Instances {
  images: { id: number; file_name: string }[];
  annotations: { image_id: number }[];
}

/** Pictures as glip-nano sees them (above), and with a tuned prompt (below): one loaded model for both. */
export async function writeComparison(
  path: string,
  { folder }: SceneFolder,
  prompt: string,
  threads: number | undefined,
): Promise<string> {
  await using glip = await launch({ threads });
  const { tuned = [] } = await glip.usePrompts({ tuned: prompt });
  const tiles: OverlayOptions[] = [];
  for (const [column, file] of picturesOf(folder).entries()) {
    for (const [row, choice] of [{}, { prompt: "tuned" }].entries()) {
      const seen = await glip.detect(file, tuned, { threshold: THRESHOLD, ...choice });
      const input = await sharp(await seen.encode("png"))
        .resize(SIDE, SIDE)
        .toBuffer();
      tiles.push({ input, left: column * (SIDE + GAP), top: row * (SIDE + GAP) });
    }
  }
  const [width, height] = [COUNT * (SIDE + GAP) - GAP, 2 * (SIDE + GAP) - GAP];
  const canvas = sharp({ create: { width, height, channels: 3, background: "white" } });
  await writeFile(path, await canvas.composite(tiles).png().toBuffer());
  return path;
}

/** The first ones with as many objects as can be told apart. */
function picturesOf(folder: string): string[] {
  const { images, annotations } = JSON.parse(readFileSync(join(folder, "instances.json"), "utf8")) as Instances;
  const count = (id: number): number => annotations.filter((one) => one.image_id === id).length;
  const clear = images.filter(({ id }) => count(id) <= MOST_OBJECTS).toSorted((a, b) => count(b.id) - count(a.id));
  return clear.slice(0, COUNT).map((one) => join(folder, "images", one.file_name));
}
