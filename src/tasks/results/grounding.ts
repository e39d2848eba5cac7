import type { Annotation, Box } from "../../images/annotation.ts";
import type { Mask } from "../../images/mask.ts";
import type { ResolvedImage } from "../../images/source.ts";
import { type CocoOptions, type CocoResult, cocoResults } from "./coco.ts";
import { annotationItem, count, describeObject, Pictured } from "./pictured.ts";

/** An object that a phrase of the caption speaks of. */
export interface GroundedObject {
  /** The phrase's text. */
  label: string;
  /** Index of its phrase. */
  phrase: number;
  /** 0 to 1. */
  score: number;
  /** `[x1, y1, x2, y2]` in pixels of the upright picture. */
  box: Box;
  /** Its pixels, where they were asked for: `segment`. */
  mask?: Mask;
}

/** A phrase of the caption, and what it speaks of in the picture. */
export interface GroundedPhrase<Found extends GroundedObject = GroundedObject> {
  text: string;
  /** Where it stands in the caption, in UTF-16 units: `caption.slice(...span)`. */
  span: readonly [start: number, end: number];
  /** Best score first; empty when nothing was found for it. */
  objects: readonly Found[];
}

export interface GroundingData<Found extends GroundedObject = GroundedObject> {
  width: number;
  height: number;
  caption: string;
  phrases: readonly GroundedPhrase<Found>[];
  /** In how many prompts the phrases were looked for. */
  passes: number;
}

/** What `ground` or `segment` found for the phrases of a caption. Iterates over the objects. */
export class Grounding<Found extends GroundedObject = GroundedObject> extends Pictured implements Iterable<Found> {
  readonly caption: string;
  /** In the order of the caption. */
  readonly phrases: readonly GroundedPhrase<Found>[];
  /** Those of all phrases, best score first. */
  readonly objects: readonly Found[];

  /** For the task that fills it; `picture` is kept for drawing. */
  constructor(data: GroundingData<Found> & { picture: ResolvedImage }) {
    super(data);
    this.caption = data.caption;
    this.phrases = data.phrases;
    this.objects = data.phrases.flatMap(({ objects }) => objects).sort((a, b) => b.score - a.score);
  }

  [Symbol.iterator](): Iterator<Found> {
    return this.objects[Symbol.iterator]();
  }

  /** The data alone, without the picture. */
  toJSON(): GroundingData<Found> {
    const { width, height, caption, phrases, passes } = this;
    return { width, height, caption, phrases, passes };
  }

  /**
   * In COCO's form of results, a phrase's text in a category's place.
   * @throws GlipError `invalid_argument`: a phrase has no id in `categoryIds`
   */
  toCOCO(options: CocoOptions): CocoResult[] {
    const names = this.phrases.map(({ text }) => text);
    return cocoResults(
      this.objects.map(({ phrase, score, box, mask }) => ({ index: phrase, score, box, mask })),
      names,
      options,
    );
  }

  /** A phrase without objects stays uncoloured. */
  protected override annotate(): Annotation {
    const { width, height, caption, phrases, objects } = this;
    const items = objects.map(annotationItem);
    const colored = phrases.filter((phrase) => phrase.objects.length > 0);
    return {
      width,
      height,
      items,
      colorKeys: phrases.map(({ text }) => text),
      caption: {
        text: caption,
        phrases: colored.map(({ text, span: [start, end] }) => ({ start, end, colorKey: text })),
      },
    };
  }

  protected override describe(): [string, ...string[]] {
    const { width, height, caption, objects } = this;
    const title = `Grounding ${width}x${height} of ${JSON.stringify(caption)}: ${count(objects.length, "object")}`;
    return [title, ...objects.map(describeObject)];
  }
}
