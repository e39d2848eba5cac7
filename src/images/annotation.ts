import type { Mask } from "./mask.ts";
import type { Color } from "./palette.ts";

/** `[x1, y1, x2, y2]` in pixels of the upright picture. */
export type Box = readonly [x1: number, y1: number, x2: number, y2: number];

/** A box to draw. */
export interface AnnotationItem {
  box: Box;
  /** What the label says, in full; drawn shortened where it is too long for the picture. */
  label: string;
  /** 0 to 1; drawn behind the label. */
  score?: number;
  /** Items and phrases with the same key share a colour. */
  colorKey: string;
  /** The thing's pixels, drawn as a translucent area with its outline. */
  mask?: Mask;
}

/** A stretch of the caption, in UTF-16 units. Where phrases overlap, the first one colours the text. */
export interface AnnotationPhrase {
  start: number;
  end: number;
  colorKey: string;
}

/** What is drawn over a picture. */
export interface Annotation {
  /** Size of the upright picture in pixels. */
  width: number;
  height: number;
  items: readonly AnnotationItem[];
  /** Written below the picture, its phrases in the colours of their boxes. */
  caption?: { text: string; phrases: readonly AnnotationPhrase[] };
  /**
   * All colour keys that can occur, in an order that does not depend on what was found: one prompt then has one set of
   * colours in all its pictures.
   * @default those of the items, then those of the caption
   */
  colorKeys?: readonly string[];
  /** Colours that are given to keys. @default none; each key gets one */
  colors?: ReadonlyMap<string, Color>;
}
