import type { IconStyle } from "./categories.ts";
import type { ColorName, ShapeName } from "./shapes.ts";
import type { SceneSplit } from "./splits.ts";

/**
 * All there is to know of a picture, as plain data: what is drawn and every sentence follow from it alone. Positions
 * and lengths are fractions of the picture's side, from its top left corner; angles are degrees, clockwise; colours
 * `#rrggbb`.
 */
export interface Scene {
  split: SceneSplit;
  seed: number;
  index: number;
  background: Background;
  /** Painted over the background, below all objects. No sentence speaks of it. */
  clutter: Clutter[];
  /** From the back to the front. */
  objects: SceneObject[];
  finish: Finish;
}

export type SceneObject = IconObject | ShapeObject;

interface Placed {
  /** The object's place in `objects`. */
  id: number;
  /** The noun: the category's name, or the shape's. */
  category: string;
  /** The centre of its square. */
  x: number;
  y: number;
  /** Side of its square, before it is turned. */
  extent: number;
  /** `small` and `large` objects are called so; what is between is not called by its size. */
  size: SizeClass;
  turn: number;
  flip: boolean;
  /** How strongly it darkens what is below it to its lower right; 0 is no shadow. */
  shadow: number;
}

export interface IconObject extends Placed {
  kind: "icon";
  style: IconStyle;
  /** The icon's name in its set. */
  icon: string;
}

export interface ShapeObject extends Placed {
  kind: "shape";
  category: ShapeName;
  color: ColorName;
  /** The tone of the colour that it has. */
  fill: string;
  outline: string;
  /** Difference in lightness between its top and its bottom, -0.5 to 0.5. */
  shade: number;
}

export type SizeClass = "small" | "medium" | "large";

/** Two colours mixed by a pattern. */
export interface Background {
  from: string;
  to: string;
  pattern: Pattern;
}

export type Pattern =
  | { kind: "flat" }
  /** `angle`: the direction in which `to` gains */
  | { kind: "linear"; angle: number }
  | { kind: "radial"; x: number; y: number; radius: number }
  /** Smooth noise; cells are `width` by `height`, and each of the `octaves` halves them. */
  | { kind: "noise"; width: number; height: number; octaves: number; seed: number }
  | { kind: "stripes"; width: number; angle: number; soft: boolean }
  | { kind: "checks"; width: number; angle: number }
  | { kind: "dots"; width: number; angle: number; radius: number }
  | { kind: "horizon"; y: number; slope: number };

export type Clutter =
  | { kind: "stroke"; points: [number, number][]; width: number; color: string; opacity: number }
  /** An ellipse, turned by `turn`; `soft` is the share of its radius over which it fades. */
  | {
      kind: "blob";
      x: number;
      y: number;
      rx: number;
      ry: number;
      turn: number;
      soft: number;
      color: string;
      opacity: number;
    };

/** What a camera would do to the picture. */
export interface Finish {
  /** Added to all values, of 0 … 1. */
  brightness: number;
  /** Factor around middle grey. */
  contrast: number;
  /** Standard deviation of the noise, of 0 … 1. */
  noise: number;
  /** Standard deviation of the blur. */
  blur: number;
  /** Of the JPEG file, 1 … 100. */
  quality: number;
}
