import { heldOutIcons, heldOutStyle, type IconCategory, type IconStyle, iconStyles, seenIcons } from "./categories.ts";
import { type ColorName, colorNames, heldOutPairs, isHeldOutPair, type ShapeName, shapeNames } from "./shapes.ts";

/**
 * `train` and `val` show the same categories, colour-shape pairs and icon styles. Each other split shows what training
 * never does: colour-shape pairs, categories, or an icon style. The `tune` splits are for experiments that learn from a
 * few such pictures; nothing is pre-trained on them.
 */
export const sceneSplits = [
  "train",
  "val",
  "val-pairs",
  "val-categories",
  "val-style",
  "tune-pairs",
  "tune-categories",
  "tune-style",
] as const;
export type SceneSplit = (typeof sceneSplits)[number];

/** What the objects of a split are drawn from. */
export interface Stock {
  icons: readonly IconCategory[];
  styles: readonly IconStyle[];
  pairs: readonly (readonly [ColorName, ShapeName])[];
}

const seenStyles = iconStyles.filter((style) => style !== heldOutStyle);
const seenPairs = colorNames.flatMap((color) =>
  shapeNames.filter((shape) => !isHeldOutPair(color, shape)).map((shape) => [color, shape] as const),
);

const seen: Stock = { icons: seenIcons, styles: seenStyles, pairs: seenPairs };

export function stockOf(split: SceneSplit): Stock {
  switch (split) {
    case "train":
    case "val":
      return seen;
    case "val-pairs":
    case "tune-pairs":
      return { ...seen, pairs: heldOutPairs };
    case "val-categories":
    case "tune-categories":
      return { icons: heldOutIcons, styles: seenStyles, pairs: [] };
    case "val-style":
    case "tune-style":
      return { icons: seenIcons, styles: [heldOutStyle], pairs: [] };
  }
}

/** A category as COCO lists it; the ids are the same in all splits. */
export interface CategoryEntry {
  id: number;
  name: string;
  supercategory: "icon" | "shape";
}

const all: CategoryEntry[] = [
  ...seenIcons.map(({ name }) => ({ name, supercategory: "icon" as const })),
  ...shapeNames.map((name) => ({ name, supercategory: "shape" as const })),
  ...heldOutIcons.map(({ name }) => ({ name, supercategory: "icon" as const })),
].map((entry, index) => ({ id: index + 1, ...entry }));

/** The categories that pictures of the split may show, and no others: a list is a prompt, and a prompt teaches names. */
export function categoriesOf(split: SceneSplit): CategoryEntry[] {
  const { icons, pairs } = stockOf(split);
  const names = new Set<string>([...icons.map(({ name }) => name), ...pairs.map(([, shape]) => shape)]);
  return all.filter(({ name }) => names.has(name));
}
