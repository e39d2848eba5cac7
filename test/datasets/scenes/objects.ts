import { heldOutIcons, seenIcons } from "../../../src/datasets/scenes/categories.ts";
import type { IconObject, Scene, SceneObject, ShapeObject } from "../../../src/datasets/scenes/scene.ts";
import { type ColorName, colors, type ShapeName } from "../../../src/datasets/scenes/shapes.ts";

const placed = { x: 0.5, y: 0.5, extent: 0.25, size: "medium" as const, turn: 0, flip: false, shadow: 0 };

/** An icon upright in the middle, of medium size, unless said otherwise. Ids are given by `scene` and `numbered`. */
export function icon(category: string, where: Partial<IconObject> = {}): IconObject {
  const name = [...seenIcons, ...heldOutIcons].find((one) => one.name === category)?.icon;
  if (name === undefined) throw new Error(`no category ${category}`);
  return { ...placed, id: 0, kind: "icon", category, style: "fluent", icon: name, ...where };
}

/** A shape in its plain colour, without a line around it. */
export function shape(color: ColorName, category: ShapeName, where: Partial<ShapeObject> = {}): ShapeObject {
  const fill = colors[color];
  return { ...placed, id: 0, kind: "shape", category, color, fill, outline: fill, shade: 0, ...where };
}

/** The objects, back to front, on plain grey. */
export function scene(...objects: SceneObject[]): Scene {
  return {
    split: "train",
    seed: 0,
    index: 0,
    background: { from: "#808080", to: "#808080", pattern: { kind: "flat" } },
    clutter: [],
    objects: numbered(objects),
    finish: { brightness: 0, contrast: 1, noise: 0, blur: 0, quality: 95 },
  };
}

/** Ids as their places. */
export function numbered(objects: SceneObject[]): SceneObject[] {
  return objects.map((object, id) => ({ ...object, id }));
}
