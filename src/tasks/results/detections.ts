import type { Annotation, Box } from "../../images/annotation.ts";
import type { Mask } from "../../images/mask.ts";
import type { ResolvedImage } from "../../images/source.ts";
import { type CocoOptions, type CocoResult, cocoResults } from "./coco.ts";
import { annotationItem, count, describeObject, Pictured } from "./pictured.ts";

/** An object that was found. */
export interface DetectedObject {
  /** Its category's name, as it was asked for. */
  label: string;
  /** Index of its category in what was asked for. */
  category: number;
  /** 0 to 1. */
  score: number;
  /** `[x1, y1, x2, y2]` in pixels of the upright picture. */
  box: Box;
  /** Its pixels, where they were asked for: `segment`. */
  mask?: Mask;
}

/** An object with its pixels. */
export type Masked<Found> = Found & { mask: Mask };

export interface DetectionsData<Found extends DetectedObject = DetectedObject> {
  width: number;
  height: number;
  categories: readonly string[];
  objects: readonly Found[];
  /** In how many prompts the categories were looked for. */
  passes: number;
}

/** What `detect` or `segment` found in a picture, best score first. Iterates over its objects. */
export class Detections<Found extends DetectedObject = DetectedObject> extends Pictured implements Iterable<Found> {
  readonly objects: readonly Found[];
  /** What was asked for. */
  readonly categories: readonly string[];

  /** For the task that fills it; `picture` is kept for drawing. */
  constructor(data: DetectionsData<Found> & { picture: ResolvedImage }) {
    super(data);
    this.categories = data.categories;
    this.objects = data.objects;
  }

  [Symbol.iterator](): Iterator<Found> {
    return this.objects[Symbol.iterator]();
  }

  /** The data alone, without the picture. */
  toJSON(): DetectionsData<Found> {
    const { width, height, categories, objects, passes } = this;
    return { width, height, categories, objects, passes };
  }

  /**
   * In COCO's form of results, as pycocotools reads them; one list of several pictures' is a results file.
   * @throws GlipError `invalid_argument`: a category has no id in `categoryIds`
   */
  toCOCO(options: CocoOptions): CocoResult[] {
    return cocoResults(
      this.objects.map(({ category, score, box, mask }) => ({ index: category, score, box, mask })),
      this.categories,
      options,
    );
  }

  protected override annotate(): Annotation {
    const { width, height, objects, categories } = this;
    const items = objects.map(annotationItem);
    return { width, height, items, colorKeys: categories };
  }

  protected override describe(): [string, ...string[]] {
    const title = `Detections ${this.width}x${this.height}: ${count(this.objects.length, "object")}`;
    return [title, ...this.objects.map(describeObject)];
  }
}
