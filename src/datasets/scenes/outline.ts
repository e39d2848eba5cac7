import { outlines } from "./outlines.ts";
import type { SceneObject } from "./scene.ts";

const CELLS = 32;

/** Which part of its square an icon or a shape covers. */
export interface Outline {
  /** Share of the square that is covered. */
  share: number;
  /** The mean colour of what is covered; a shape's is its fill instead. */
  tone: string;
  /** Whether the point is covered; `u` and `v` go over the square from 0 to 1. */
  covers: (u: number, v: number) => boolean;
}

const known = new Map<string, Outline>();

export function outlineOf(object: SceneObject): Outline {
  return outlineNamed(object.kind === "icon" ? `${object.style}/${object.icon}` : `shape/${object.category}`);
}

/** @param key `style/icon`, or `shape/name` */
export function outlineNamed(key: string): Outline {
  if (known.size === 0) for (const line of outlines) known.set(line.slice(0, line.indexOf("\t")), read(line));
  const outline = known.get(key);
  if (outline === undefined) throw new Error(`no outline of ${key}: run scripts/scene-icons.ts`);
  return outline;
}

function read(line: string): Outline {
  const [, base64, tone] = line.split("\t") as [string, string, string];
  const bits = Buffer.from(base64, "base64");
  const bit = (cell: number): number => ((bits[cell >> 3] as number) >> (cell & 7)) & 1;
  let count = 0;
  for (let cell = 0; cell < CELLS * CELLS; cell++) count += bit(cell);
  const covers = (u: number, v: number): boolean =>
    u >= 0 && u < 1 && v >= 0 && v < 1 && bit(Math.floor(v * CELLS) * CELLS + Math.floor(u * CELLS)) === 1;
  return { share: count / CELLS ** 2, tone, covers };
}
