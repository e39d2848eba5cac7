import { distance, mix } from "../color.ts";
import type { IconCategory } from "../categories.ts";
import { outlineNamed } from "../outline.ts";
import type { Random } from "../random.ts";
import type { Background, IconObject, SceneObject, ShapeObject, SizeClass } from "../scene.ts";
import { type ColorName, colorNames, colors, type ShapeName, shapeTurns } from "../shapes.ts";
import type { Stock } from "../splits.ts";

/** Extents of the sizes. What lies between two of them does not occur, so that nobody argues about what is small. */
const extents: Record<SizeClass, readonly [number, number]> = {
  small: [0.11, 0.17],
  medium: [0.21, 0.31],
  large: [0.38, 0.52],
};

/** What an object is, without where it is. */
export type Kind = { kind: "icon"; category: IconCategory } | { kind: "shape"; shape: ShapeName; color: ColorName };

export function anyKind(stock: Stock, random: Random): Kind {
  if (stock.pairs.length > 0 && random.chance(0.4)) {
    const [color, shape] = random.pick(stock.pairs);
    return { kind: "shape", color, shape };
  }
  return { kind: "icon", category: random.pick(stock.icons) };
}

/** An object of this kind, somewhere. */
export function anyObject(kind: Kind, stock: Stock, background: Background, random: Random): SceneObject {
  const size = random.weighted([
    ["small", 3],
    ["medium", 4],
    ["large", 2.5],
  ] as const);
  const placed = {
    id: 0,
    x: random.between(0.03, 0.97),
    y: random.between(0.03, 0.97),
    extent: random.between(...extents[size]),
    size,
    flip: random.chance(0.5),
    shadow: random.chance(0.3) ? random.between(0.2, 0.6, 2) : 0,
  };
  return kind.kind === "icon"
    ? { ...placed, ...anyIcon(kind.category, stock, background, random) }
    : { ...placed, ...anyShape(kind, background, random) };
}

type Look<T> = Omit<T, "id" | "x" | "y" | "extent" | "size" | "flip" | "shadow">;

function anyIcon({ name, icon }: IconCategory, stock: Stock, background: Background, random: Random): Look<IconObject> {
  const styles = stock.styles.filter((style) => stands(outlineNamed(`${style}/${icon}`).tone, background, 90));
  const style = random.pick(styles.length > 0 ? styles : stock.styles);
  // Most things stand upright; some lie on their side or hang upside down.
  const turn = random.chance(0.75) ? random.integer(-25, 25) : random.integer(-180, 179);
  return { kind: "icon", category: name, style, icon, turn };
}

function anyShape(
  { shape, color }: Extract<Kind, { kind: "shape" }>,
  background: Background,
  random: Random,
): Look<ShapeObject> {
  const fill = mix(colors[color], random.chance(0.5) ? "#ffffff" : "#000000", random.between(0, 0.1, 2));
  const lined = random.chance(0.35) || !stands(fill, background, 150);
  const inks = ["#ffffff", "#202022", ...(random.chance(0.3) ? colorNames.map((name) => colors[name]) : [])];
  const outline = lined ? random.pick(inks.filter((ink) => distance(ink, fill) > 220)) : fill;
  return {
    kind: "shape",
    category: shape,
    color,
    fill,
    outline,
    shade: random.chance(0.5) ? random.between(-0.25, 0.25, 2) : 0,
    turn: random.integer(-shapeTurns[shape], shapeTurns[shape]),
  };
}

/** Whether a colour can be told from the background's. */
function stands(color: string, { from, to }: Background, least: number): boolean {
  return distance(color, from) >= least && distance(color, to) >= least && distance(color, mix(from, to, 0.5)) >= least;
}
