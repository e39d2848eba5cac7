import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunLengths } from "../../images/rle.ts";
import type { Instances } from "./instances.ts";

/** An object of a scene, as `instances.json` has it. */
export interface SceneObject {
  id: number;
  image_id: number;
  category_id: number;
  /** `[x, y, width, height]` */
  bbox: [number, number, number, number];
  area: number;
  segmentation: RunLengths;
  attributes: { color: string; size: string };
}

export interface ScenePhrase {
  start: number;
  end: number;
  text: string;
  /** Ids of the objects. */
  annotations: number[];
}

/** A sentence of a scene, as `grounding.json` has it. */
export interface SceneSentence {
  original_img_id: number;
  kind: "caption" | "expression";
  caption: string;
  /** The object that an expression means. */
  target?: number;
  phrases: ScenePhrase[];
}

export async function readSentences(from: string): Promise<SceneSentence[]> {
  const content = JSON.parse(await readFile(join(from, "grounding.json"), "utf8")) as { images: SceneSentence[] };
  return content.images;
}

export function objectsOf({ annotations }: Instances): Map<number, SceneObject> {
  return new Map((annotations as SceneObject[]).map((one) => [one.id, one]));
}

export function categoryNames({ categories }: Instances): Map<number, string> {
  return new Map(categories.map(({ id, name }) => [id, name]));
}
