/** COCO in miniature by GLIP-T: the native engine's benchmark beside the official script, from start to figures. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coco, exportResults, launch, miniBenchmark } from "glip-sdk";
import { pairedRow, row, type Row } from "../harness.ts";
import { runScript } from "../lib/script.ts";

export interface Setting {
  python: string;
  /** The official code. */
  checkout: string;
  /** For whatever has to lie in a file; removed at the end. */
  directory: string;
  /** How many are asked about. */
  pictures: number;
  /** How often everything is measured. */
  rounds: number;
}

/** What a side took, and what it found. */
interface Measured {
  seconds: number;
  objects: Found[];
}

/** As COCO's results have it. */
interface Found {
  image_id: number;
  category_id: number;
  score: number;
}

/** As many as COCO has: the official evaluation asks for them in one text. */
const CATEGORIES = 80;

export async function measureCoco(setting: Setting): Promise<Row[]> {
  const weights = join(setting.directory, "random.pth");
  runScript(setting, "official/weights.py", [weights]);
  const data = await firstPictures(setting);
  const sides: Record<"native" | "official", Measured[]> = { native: [], official: [] };
  for (let round = 0; round < setting.rounds; round++) {
    sides.official.push(await official(setting, weights, data, `official-${round}`));
    sides.native.push(await native(setting, weights, data, `native-${round}`));
  }
  const seconds = (side: Measured[]): number[] => side.map((one) => one.seconds);
  const differences = sides.native.map(({ objects }, round) =>
    difference(objects, sides.official[round]?.objects ?? []),
  );
  return [
    pairedRow({
      what: `mini:coco, ${setting.pictures} pictures, GLIP-T, from the start to the figures`,
      ours: seconds(sides.native),
      reference: seconds(sides.official),
      unit: "s",
      bar: { of: "ratio", atMost: 1 / 3 },
    }),
    row({
      what: `mini:coco, largest difference of a score among ${sides.native[0]?.objects.length ?? 0} objects`,
      ours: Math.max(...differences),
      unit: "",
      bar: { of: "ours", atMost: 1e-4 },
    }),
  ];
}

/** A file of annotations of the miniature's first pictures, which both sides read. */
async function firstPictures({ directory, pictures }: Setting): Promise<ReturnType<typeof coco>> {
  const drawn = await miniBenchmark("coco", { home: join(directory, "home") });
  const content = JSON.parse(readFileSync(join(drawn, "coco", "annotations", "instances_val2017.json"), "utf8")) as {
    images: { id: number }[];
    categories: { id: number }[];
    annotations: {
      image_id: number;
      category_id: number;
      bbox: [x: number, y: number, width: number, height: number];
    }[];
  };
  const images = content.images.slice(0, pictures);
  const categories = content.categories.slice(0, CATEGORIES);
  const [ids, asked] = [images, categories].map((some) => new Set(some.map(({ id }) => id))) as [
    Set<number>,
    Set<number>,
  ];
  const annotations = content.annotations
    .filter(({ image_id, category_id }) => ids.has(image_id) && asked.has(category_id))
    .map((one) => ({ ...one, segmentation: [outline(one.bbox)] }));
  const file = join(directory, "instances.json");
  writeFileSync(file, JSON.stringify({ ...content, images, categories, annotations }));
  return coco(file, join(drawn, "coco", "val2017"));
}

/** Of the scores of each picture's and category's objects, best first; NaN where they are not as many. */
function difference(ours: readonly Found[], theirs: readonly Found[]): number {
  if (ours.length === 0 || ours.length !== theirs.length) return Number.NaN;
  const inOrder = (some: readonly Found[]): Found[] =>
    some.toSorted((a, b) => a.image_id - b.image_id || a.category_id - b.category_id || b.score - a.score);
  const others = inOrder(theirs);
  const differences = inOrder(ours).map((one, place) => {
    const other = others[place] as Found;
    const same = one.image_id === other.image_id && one.category_id === other.category_id;
    return same ? Math.abs(one.score - other.score) : Number.NaN;
  });
  return Math.max(...differences);
}

/** The official data set has polygons where it has masks; none are measured. */
function outline([x, y, width, height]: readonly [number, number, number, number]): number[] {
  return [x, y, x + width, y, x + width, y + height, x, y + height];
}

async function official(
  { python, checkout, directory }: Setting,
  weights: string,
  data: ReturnType<typeof coco>,
  name: string,
): Promise<Measured> {
  const start = performance.now();
  await using glip = await launch({ engine: "official", official: checkout, interpreter: python, device: "cpu" });
  const { predictions } = await glip.evaluate({
    config: "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
    weights,
    data,
    output: join(directory, name),
  }).result;
  const seconds = (performance.now() - start) / 1000;
  if (predictions === null) throw new Error("the official script wrote no predictions");
  return { seconds, objects: JSON.parse(readFileSync(predictions, "utf8")) as Found[] };
}

async function native(
  { python, directory }: Setting,
  weights: string,
  data: ReturnType<typeof coco>,
  name: string,
): Promise<Measured> {
  const start = performance.now();
  await using glip = await launch({ engine: "native", weights, interpreter: python, device: "cpu" });
  const { output } = await glip.evaluate({ benchmark: "coco", data, output: join(directory, name) }).result;
  const seconds = (performance.now() - start) / 1000;
  const { file } = await exportResults(output);
  return { seconds, objects: JSON.parse(readFileSync(file, "utf8")) as Found[] };
}
