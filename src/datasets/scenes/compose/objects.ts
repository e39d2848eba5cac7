import { layOut, type Seen } from "../layout.ts";
import type { Random } from "../random.ts";
import type { Background, SceneObject } from "../scene.ts";
import type { Stock } from "../splits.ts";
import { anyKind, anyObject, type Kind } from "./object.ts";

/** Less than this share of an object visible, and it would not be there for a person who looks. */
const LEAST_VISIBLE = 0.4;
/** Share of the picture that must be visible of each object: about 10 x 10 pixels of 256 x 256. */
const LEAST_AREA = 0.0018;
const TRIES = 24;

/** 1 to 10 objects from the back to the front. What finds no place after some tries is left out. */
export function composeObjects(stock: Stock, background: Background, random: Random): SceneObject[] {
  const wanted = random.weighted([
    [1, 2],
    [2, 3],
    [3, 4],
    [4, 4],
    [5, 3],
    [6, 3],
    [7, 2],
    [8, 2],
    [9, 1],
    [10, 1],
  ] as const);
  let objects: SceneObject[] = [];
  let overlap = 0;
  const kinds: Kind[] = [];
  for (let made = 0; made < wanted; made++) {
    const kind = kinds.length > 0 && random.chance(0.28) ? random.pick(kinds) : anyKind(stock, random);
    const mayOverlap = random.chance(0.5);
    for (let attempt = 0; attempt < TRIES; attempt++) {
      const placed = insert(objects, anyObject(kind, stock, background, random), random);
      const seen = layOut(placed);
      if (!isLegible(seen) || (!mayOverlap && hidden(seen) > overlap + 0.03)) continue;
      objects = placed;
      overlap = hidden(seen);
      kinds.push(kind);
      break;
    }
  }
  return objects.length > 0
    ? objects.map((object, id) => ({ ...object, id }))
    : composeObjects(stock, background, random);
}

/** Among the others at any depth; the large rather behind the small. */
function insert(objects: SceneObject[], object: SceneObject, random: Random): SceneObject[] {
  const behind = objects.filter((other) => other.extent > object.extent).length;
  return objects.toSpliced(random.chance(0.7) ? behind : random.integer(0, objects.length), 0, object);
}

/** Enough of each object can be seen. */
function isLegible(seen: readonly Seen[]): boolean {
  return seen.every(({ visible, area }) => visible >= LEAST_VISIBLE && area >= LEAST_AREA);
}

/** Shares of objects that other objects hide, summed. */
function hidden(seen: readonly Seen[]): number {
  return seen.flatMap(({ hiddenBy }) => [...hiddenBy.values()]).reduce((sum, share) => sum + share, 0);
}
