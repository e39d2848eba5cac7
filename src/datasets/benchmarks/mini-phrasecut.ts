import { join } from "node:path";
import { copyImages, type Instances, writeJson } from "./instances.ts";
import { polygonsOf } from "./polygons.ts";
import { categoryNames, objectsOf, readSentences, type SceneObject } from "./scene-words.ts";

interface Structure {
  name: string;
  attributes: string[];
  relation_ids: number[];
  relation_descriptions: string[][];
  type: "name" | "attribute" | "relation" | "verbose";
}

/**
 * PhraseCut's test split: pictures, phrases with polygons, the pictures' sizes, and how often words occur. A phrase is a
 * category, which speaks of all its objects, or an expression of the scene, which speaks of one.
 */
export async function writeMiniPhrasecut(from: string, instances: Instances, to: string): Promise<void> {
  const folder = join(to, "VGPhraseCut_v0");
  const images = await copyImages(from, instances.images, join(folder, "images"), ({ id }) => `${id}.jpg`);
  const objects = objectsOf(instances);
  const names = categoryNames(instances);
  const nameOf = ({ category_id }: SceneObject): string => names.get(category_id) as string;
  const sentences = await readSentences(from);
  const tasks = images.flatMap(({ id }) => {
    const mine = [...objects.values()].filter(({ image_id }) => image_id === id);
    const categories = [...new Set(mine.map(nameOf))].map((name) =>
      taskOf(
        name,
        mine.filter((one) => nameOf(one) === name),
        structureOf(name),
      ),
    );
    const expressions = sentences
      .filter(({ kind, original_img_id }) => kind === "expression" && original_img_id === id)
      .map(({ caption, target, phrases }) => {
        const meant = objects.get(target as number) as SceneObject;
        const { color } = meant.attributes;
        const attributes = caption.includes(color) ? [color] : [];
        const relations = phrases
          .slice(1)
          .map(({ start, text }) => [caption.slice(phrases[0]?.end, start).trim(), text]);
        return taskOf(caption, [meant], structureOf(nameOf(meant), attributes, relations));
      });
    return [...categories, ...expressions];
  });
  await writeJson(join(folder, "refer_test.json"), tasks);
  const sizes = images.map(({ id, width, height }) => ({ image_id: id, width, height, coco_id: null, split: "test" }));
  await writeJson(join(folder, "image_data_split.json"), sizes);
  const structures = tasks.map(({ phrase_structure }) => phrase_structure);
  await writeJson(join(folder, "name_att_rel_count.json"), {
    cat: counted(structures.map(({ name }) => name)),
    att: counted(structures.flatMap(({ attributes }) => attributes)),
    rel: counted(
      structures.flatMap(({ relation_descriptions }) => relation_descriptions.map(([words]) => words ?? "")),
    ),
  });
}

function structureOf(name: string, attributes: string[] = [], relations: string[][] = []): Structure {
  const type = relations.length > 0 ? "relation" : attributes.length > 0 ? "attribute" : "name";
  return { name, attributes, relation_ids: relations.map((_, index) => index), relation_descriptions: relations, type };
}

function taskOf(phrase: string, meant: readonly SceneObject[], phrase_structure: Structure) {
  const image_id = meant[0]?.image_id ?? 0;
  const ids = meant.map(({ id }) => id);
  return {
    task_id: `${image_id}__${ids.join("_")}__${phrase.replaceAll(" ", "_")}`,
    image_id,
    ann_ids: ids,
    instance_boxes: meant.map(({ bbox }) => bbox),
    Polygons: meant.map(({ segmentation }) => polygonsOf(segmentation)),
    phrase,
    phrase_structure,
  };
}

/** Words and how often, the commonest first. */
function counted(words: readonly string[]): [string, number][] {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].sort(([, one], [, other]) => other - one);
}
