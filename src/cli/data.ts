import { InvalidArgumentError } from "commander";
import { coco } from "../datasets/coco.ts";
import { cocoCaptions } from "../datasets/coco-captions.ts";
import type { Dataset } from "../datasets/dataset.ts";
import { flickr30k } from "../datasets/flickr30k.ts";
import { lvis } from "../datasets/lvis.ts";
import { mdetr } from "../datasets/mdetr.ts";
import { odinw } from "../datasets/odinw.ts";
import { odvg } from "../datasets/odvg.ts";
import { sceneFolder } from "../datasets/scene-folder.ts";
import { voc } from "../datasets/voc.ts";
import { vqav2 } from "../datasets/vqav2.ts";
import { yolo } from "../datasets/yolo.ts";
import { messageOf } from "../errors.ts";

interface Format {
  /** What stands behind the colon. */
  places: readonly string[];
  /** Strings where numbers are meant are turned into them before. */
  make(places: string[], options: Record<string, unknown>): Dataset;
}

/** The functions of the datasets, as the command line writes them; what they are given they check. */
const formats: Record<Dataset["format"], Format> = {
  coco: { places: ["ANNOTATIONS", "IMAGES"], make: ([a = "", b = ""], options) => coco(a, b, options) },
  lvis: { places: ["ANNOTATIONS", "IMAGES"], make: ([a = "", b = ""], options) => lvis(a, b, options) },
  odvg: { places: ["ANNOTATIONS", "IMAGES"], make: ([a = "", b = ""], options) => odvg(a, b, options) },
  mdetr: { places: ["ANNOTATIONS", "IMAGES"], make: ([a = "", b = ""], options) => mdetr(a, b, options) },
  flickr30k: { places: ["IMAGES", "ENTITIES"], make: ([a = "", b = ""], options) => flickr30k(a, b, options) },
  voc: { places: ["ANNOTATIONS", "IMAGES"], make: ([a = "", b = ""], options) => voc(a, b, options) },
  yolo: { places: ["FILE", "SPLIT"], make: ([a = "", b], options) => yolo(a, b as "train", options) },
  odinw: { places: ["FOLDER", "SPLIT"], make: ([a = "", b], options) => odinw(a, b as "train", options) },
  scenes: { places: ["FOLDER"], make: ([a = ""], options) => sceneFolder(a, options) },
  "coco-captions": {
    places: ["ANNOTATIONS", "IMAGES"],
    make: ([a = "", b = ""], options) => cocoCaptions(a, b, options),
  },
  vqav2: {
    places: ["QUESTIONS", "ANNOTATIONS", "IMAGES"],
    make: ([a = "", b = "", c = ""], options) => vqav2(a, b, c, options),
  },
};

/** How data is written: `coco:ANNOTATIONS,IMAGES`. */
export const dataForms = Object.entries(formats).map(([format, { places }]) => `${format}:${places.join(",")}`);

/**
 * `coco:train.json,images,copies=2`: the format, its places, and its options.
 * @throws InvalidArgumentError
 */
export function parseData(given: string): Dataset {
  const at = given.indexOf(":");
  const name = given.slice(0, Math.max(0, at));
  const format = Object.hasOwn(formats, name) ? formats[name as Dataset["format"]] : undefined;
  if (format === undefined) throw new InvalidArgumentError(`Expected one of ${dataForms.join(", ")}.`);
  const parts = given.slice(at + 1).split(",");
  const options = parts.slice(format.places.length).map(optionOf);
  const form = `${name}:${format.places.join(",")}`;
  if (parts.length < format.places.length) throw new InvalidArgumentError(`Expected ${form}.`);
  try {
    return format.make(parts.slice(0, format.places.length), Object.fromEntries(options));
  } catch (error) {
    throw new InvalidArgumentError(`Expected ${form}: ${messageOf(error)}.`);
  }
}

/** For a flag that may be repeated. */
export function collectData(given: string, before: Dataset[] = []): Dataset[] {
  return [...before, parseData(given)];
}

function optionOf(part: string): [key: string, value: string | number] {
  const [, key, value = ""] = /^(\w+)=(.*)$/s.exec(part) ?? [];
  if (key === undefined) throw new InvalidArgumentError(`Expected KEY=VALUE behind the places, got ${part}.`);
  return [key, value !== "" && Number.isFinite(Number(value)) ? Number(value) : value];
}
