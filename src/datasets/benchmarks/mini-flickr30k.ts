import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImageRecord } from "../scenes/files/records.ts";
import { copyImages, type Instances, writeJson } from "./instances.ts";
import { categoryNames, objectsOf, readSentences, type SceneObject, type SceneSentence } from "./scene-words.ts";

/** The data set's types of what scenes have; the rest is `other`. */
const types: Record<string, string> = {
  ...of("animals", "cat dog horse cow pig rabbit duck owl penguin elephant giraffe snake turtle whale octopus"),
  ...of("animals", "butterfly snail crab lion panda frog fish"),
  ...of("vehicles", "car bus truck tractor bicycle airplane rocket sailboat"),
  ...of("instruments", "guitar drum bell"),
  ...of("clothing", "crown hat shirt dress backpack"),
};

/** What a sentence speaks of: the same objects are the same entity. */
interface Entity {
  /** The number that sentences and boxes have in common. */
  id: number;
  type: string;
  objects: readonly SceneObject[];
}

/**
 * Flickr30K Entities' test split: pictures, `Annotations/ID.xml` with the boxes, `Sentences/ID.txt` with the phrases,
 * and MDETR's file of the same sentences.
 */
export async function writeMiniFlickr30k(from: string, instances: Instances, to: string): Promise<void> {
  const images = await copyImages(
    from,
    instances.images,
    join(to, "flickr30k", "flickr30k_images"),
    ({ id }) => `${id}.jpg`,
  );
  const folder = join(to, "flickr30k", "flickr30k");
  await mkdir(join(folder, "Annotations"), { recursive: true });
  await mkdir(join(folder, "Sentences"));
  await writeFile(join(folder, "test.txt"), images.map(({ id }) => `${id}\n`).join(""));
  const captions = (await readSentences(from)).filter(({ kind }) => kind === "caption");
  const mdetr = { images: [] as object[], annotations: [] as object[] };
  const entityOf = entities(instances);
  for (const image of images) {
    const mine = captions.filter((one) => one.original_img_id === image.id);
    const sentences = mine.map((one) => wordsOf(one, entityOf));
    const known = new Map(sentences.flatMap(({ phrases }) => phrases.map(({ entity }) => [entity.id, entity])));
    await writeFile(join(folder, "Annotations", `${image.id}.xml`), xmlOf(image, [...known.values()]));
    await writeFile(join(folder, "Sentences", `${image.id}.txt`), sentences.map(({ line }) => `${line}\n`).join(""));
    sentences.forEach((sentence, place) => addSentence(mdetr, image, sentence, place));
  }
  const categories = [{ supercategory: "object", id: 1, name: "object" }];
  const file = join(to, "mdetr_annotations", "final_flickr_separateGT_test.json");
  await writeJson(file, { info: [], licenses: [], ...mdetr, categories });
}

function entities(instances: Instances): (ids: readonly number[]) => Entity {
  const objects = objectsOf(instances);
  const names = categoryNames(instances);
  const known = new Map<string, Entity>();
  return (ids) => {
    const key = [...ids].sort((one, other) => one - other).join();
    const found = known.get(key);
    if (found !== undefined) return found;
    const meant = ids.map((id) => objects.get(id) as SceneObject);
    const type = types[names.get(meant[0]?.category_id ?? 0) ?? ""] ?? "other";
    const entity = { id: known.size + 1, type, objects: meant };
    known.set(key, entity);
    return entity;
  };
}

interface Words {
  /** Words and marks with a space between any two, as the data set has its sentences. */
  text: string;
  /** The same with its phrases marked. */
  line: string;
  phrases: { start: number; end: number; entity: Entity }[];
}

function wordsOf({ caption, phrases }: SceneSentence, entityOf: (ids: readonly number[]) => Entity): Words {
  const said: Words = { text: "", line: "", phrases: [] };
  const add = (text: string, mark: (text: string) => string = (text) => text): number => {
    const before = said.text === "" ? "" : " ";
    said.line += before + mark(text);
    said.text += before + text;
    return said.text.length;
  };
  const addPlain = (text: string): void => {
    for (const word of text.match(/[\w'-]+|[^\w\s]/g) ?? []) add(word);
  };
  let from = 0;
  for (const { start, end, text, annotations } of phrases) {
    addPlain(caption.slice(from, start));
    const entity = entityOf(annotations);
    const after = add(text, (text) => `[/EN#${entity.id}/${entity.type} ${text}]`);
    said.phrases.push({ start: after - text.length, end: after, entity });
    from = end;
  }
  addPlain(caption.slice(from));
  return said;
}

/** Edges in pixels counted from 1, the last ones included. */
function edgesOf({ bbox: [x, y, width, height] }: SceneObject): [number, number, number, number] {
  return [x + 1, y + 1, x + width, y + height];
}

function xmlOf({ file_name, width, height }: ImageRecord, known: readonly Entity[]): string {
  const objects = [...new Set(known.flatMap(({ objects }) => objects))].map((object) => {
    const names = known.filter(({ objects }) => objects.includes(object)).map(({ id }) => `<name>${id}</name>`);
    const [xmin, ymin, xmax, ymax] = edgesOf(object);
    const box = `<xmin>${xmin}</xmin><ymin>${ymin}</ymin><xmax>${xmax}</xmax><ymax>${ymax}</ymax>`;
    return `<object>${names.join("")}<bndbox>${box}</bndbox></object>\n`;
  });
  const size = `<size><width>${width}</width><height>${height}</height><depth>3</depth></size>`;
  return `<annotation>\n<filename>${file_name}</filename>\n${size}\n${objects.join("")}</annotation>\n`;
}

/** An image of MDETR's, and an annotation of each box that its phrases speak of. */
function addSentence(
  mdetr: { images: object[]; annotations: object[] },
  image: ImageRecord,
  { text, phrases }: Words,
  place: number,
): void {
  const id = mdetr.images.length;
  mdetr.images.push({
    ...image,
    id,
    caption: text,
    dataset_name: "flickr",
    tokens_negative: [[0, text.length]],
    sentence_id: place,
    original_img_id: image.id,
    tokens_positive_eval: phrases.map(({ start, end }) => [[start, end]]),
  });
  for (const object of new Set(phrases.flatMap(({ entity }) => entity.objects))) {
    const spans = phrases.filter(({ entity }) => entity.objects.includes(object));
    const [xmin, ymin, xmax, ymax] = edgesOf(object);
    mdetr.annotations.push({
      id: mdetr.annotations.length,
      image_id: id,
      category_id: 1,
      bbox: [xmin, ymin, xmax - xmin, ymax - ymin],
      area: (xmax - xmin) * (ymax - ymin),
      iscrowd: 0,
      tokens_positive: spans.map(({ start, end }) => [start, end]),
    });
  }
}

function of(type: string, names: string): Record<string, string> {
  return Object.fromEntries(names.split(" ").map((name) => [name, type]));
}
