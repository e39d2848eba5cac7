import { rotation } from "./rotation.ts";
import { outlineOf } from "./outline.ts";
import type { SceneObject } from "./scene.ts";

/** Cells of a side of the grid on which visibility is measured. */
const GRID = 128;

/** What can be seen of an object, in fractions of the picture's side. */
export interface Seen {
  /** Centre of the box around what is visible. */
  x: number;
  y: number;
  /** `[x1, y1, x2, y2]` around what is visible. */
  box: [number, number, number, number];
  /** Visible share of the whole object, including what is outside of the picture. */
  visible: number;
  /** Visible share of the picture's area. */
  area: number;
  /** Share of this object that each of the objects in front of it hides, by the hiding object's id. */
  hiddenBy: ReadonlyMap<number, number>;
}

/**
 * What can be seen of each object (from the back to the front), measured on a coarse grid with the outlines that come
 * with the SDK. Nothing is rendered, so that what is said of a scene does not hang on a renderer's version.
 */
export function layOut(objects: readonly SceneObject[]): Seen[] {
  const owner = new Int16Array(GRID * GRID).fill(-1);
  const cells = objects.map((object, index) => {
    const covered = coverage(object);
    for (const cell of covered) owner[cell] = index;
    return covered;
  });
  return objects.map((object, index) => seen(object, cells[index] as readonly number[], owner, index));
}

function seen(object: SceneObject, cells: readonly number[], owner: Int16Array, index: number): Seen {
  const whole = outlineOf(object).share * object.extent * object.extent * GRID * GRID;
  const hidden = new Map<number, number>();
  let [x1, y1, x2, y2] = [GRID, GRID, 0, 0];
  let visible = 0;
  for (const cell of cells) {
    const by = owner[cell] as number;
    if (by !== index) {
      hidden.set(by, (hidden.get(by) ?? 0) + 1 / whole);
      continue;
    }
    const x = cell % GRID;
    const y = (cell - x) / GRID;
    if (x < x1) x1 = x;
    if (y < y1) y1 = y;
    if (x >= x2) x2 = x + 1;
    if (y >= y2) y2 = y + 1;
    visible++;
  }
  if (visible === 0) [x1, y1, x2, y2] = [0, 0, 0, 0];
  return {
    x: (x1 + x2) / 2 / GRID,
    y: (y1 + y2) / 2 / GRID,
    box: [x1 / GRID, y1 / GRID, x2 / GRID, y2 / GRID],
    visible: Math.min(1, visible / whole),
    area: visible / GRID ** 2,
    hiddenBy: hidden,
  };
}

/** An object that is tried in one place after another among the same others is laid out with them each time. */
const known = new WeakMap<SceneObject, readonly number[]>();

function coverage(object: SceneObject): readonly number[] {
  let cells = known.get(object);
  if (cells === undefined) known.set(object, (cells = cover(object)));
  return cells;
}

/** The grid's cells whose middle the object covers. */
function cover(object: SceneObject): number[] {
  const { covers } = outlineOf(object);
  const { cos, sin } = rotation(object.turn);
  const reach = (Math.abs(cos) + Math.abs(sin)) * object.extent * 0.5;
  const clip = (value: number): number => Math.max(0, Math.min(GRID - 1, Math.floor(value * GRID)));
  const cells: number[] = [];
  for (let row = clip(object.y - reach); row <= clip(object.y + reach); row++)
    for (let column = clip(object.x - reach); column <= clip(object.x + reach); column++) {
      const dx = ((column + 0.5) / GRID - object.x) / object.extent;
      const dy = ((row + 0.5) / GRID - object.y) / object.extent;
      const u = (object.flip ? -1 : 1) * (cos * dx + sin * dy);
      if (covers(u + 0.5, cos * dy - sin * dx + 0.5)) cells.push(row * GRID + column);
    }
  return cells;
}
