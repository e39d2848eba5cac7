/** COCO in miniature by GLIP-T: the native engine's benchmark beside the official script, from start to figures. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { coco, launch, miniBenchmark } from "glip-sdk";
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
  AP: number;
}

/** Of the model that draws its own numbers, the only figure is that both sides have the same. */
const SAME_AP = 1e-3;

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
  const difference = sides.native.map(({ AP }, round) => Math.abs(AP - (sides.official[round]?.AP ?? Number.NaN)));
  return [
    pairedRow({
      what: `mini:coco, ${setting.pictures} pictures, GLIP-T, from the start to the figures`,
      ours: seconds(sides.native),
      reference: seconds(sides.official),
      unit: "s",
      bar: { of: "ratio", atMost: 1 / 3 },
    }),
    row({
      what: "box AP: difference from the official script's",
      ours: Math.max(...difference),
      unit: "",
      bar: { of: "ours", atMost: SAME_AP },
    }),
  ];
}

/** A file of annotations of the miniature's first pictures, which both sides read. */
async function firstPictures({ directory, pictures }: Setting): Promise<ReturnType<typeof coco>> {
  const drawn = await miniBenchmark("coco", { home: join(directory, "home") });
  const content = JSON.parse(readFileSync(join(drawn, "coco", "annotations", "instances_val2017.json"), "utf8")) as {
    images: { id: number }[];
    annotations: { image_id: number }[];
  };
  const images = content.images.slice(0, pictures);
  const ids = new Set(images.map(({ id }) => id));
  const annotations = content.annotations.filter(({ image_id }) => ids.has(image_id));
  const file = join(directory, "instances.json");
  writeFileSync(file, JSON.stringify({ ...content, images, annotations }));
  return coco(file, join(drawn, "coco", "val2017"));
}

async function official(
  { python, checkout, directory }: Setting,
  weights: string,
  data: ReturnType<typeof coco>,
  name: string,
): Promise<Measured> {
  const start = performance.now();
  await using glip = await launch({ engine: "official", official: checkout, interpreter: python, device: "cpu" });
  const { metrics } = await glip.evaluate({
    config: "configs/pretrain/glip_Swin_T_O365_GoldG.yaml",
    weights,
    data,
    output: join(directory, name),
  }).result;
  return { seconds: (performance.now() - start) / 1000, AP: metrics.AP ?? Number.NaN };
}

async function native(
  { python, directory }: Setting,
  weights: string,
  data: ReturnType<typeof coco>,
  name: string,
): Promise<Measured> {
  const start = performance.now();
  await using glip = await launch({ engine: "native", weights, interpreter: python, device: "cpu" });
  const { metrics } = await glip.evaluate({ benchmark: "coco", data, output: join(directory, name) }).result;
  return { seconds: (performance.now() - start) / 1000, AP: metrics.box.AP ?? Number.NaN };
}
