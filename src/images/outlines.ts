/** The part of a picture that a mask is in, row by row: 1 where the object is. */
export interface MaskPart {
  left: number;
  top: number;
  width: number;
  height: number;
  data: Uint8Array;
}

/** A closed line along the edges of pixels. */
export interface Outline {
  /** Its corners, `[x1, y1, x2, y2, …]`, in pixels of the picture; an outer one is clockwise. */
  points: number[];
  /** Whether the object is outside of it. */
  hole: boolean;
}

/** Right, down, left, up: what a step changes, and the pixels ahead of it, to its left and its right hand. */
const DIRECTIONS = [
  { x: 1, y: 0, left: [0, -1], right: [0, 0] },
  { x: 0, y: 1, left: [0, 0], right: [-1, 0] },
  { x: -1, y: 0, left: [-1, 0], right: [-1, -1] },
  { x: 0, y: -1, left: [-1, -1], right: [0, -1] },
] as const;

/** All outlines of a mask. Pixels that meet in a corner alone belong to two parts. */
export function outlinesOf({ left, top, width, height, data }: MaskPart): Outline[] {
  const inside = (x: number, y: number): boolean =>
    x >= 0 && y >= 0 && x < width && y < height && data[y * width + x] === 1;
  /** Upper edges of pixels that an outline went along: each outline has one. */
  const done = new Uint8Array(width * height);
  const outlines: Outline[] = [];
  for (let start = 0; start < data.length; start++) {
    const [x, y] = [start % width, Math.floor(start / width)];
    if (done[start] === 1 || !inside(x, y) || inside(x, y - 1)) continue;
    const points = follow(x, y, inside, (at, row) => (done[row * width + at] = 1));
    outlines.push({
      points: points.map((value, index) => value + (index % 2 === 0 ? left : top)),
      hole: isHole(points),
    });
  }
  return outlines;
}

/** From the upper left corner of a pixel to the right, the object always to the right hand, until it is there again. */
function follow(
  startX: number,
  startY: number,
  inside: (x: number, y: number) => boolean,
  mark: (x: number, y: number) => void,
): number[] {
  const points: number[] = [];
  let [x, y, direction] = [startX, startY, 0];
  do {
    const { x: right, y: down } = DIRECTIONS[direction] as (typeof DIRECTIONS)[number];
    if (direction === 0) mark(x, y);
    x += right;
    y += down;
    const turned = turn(x, y, direction, inside);
    if (turned !== direction) points.push(x, y);
    direction = turned;
  } while (x !== startX || y !== startY || direction !== 0);
  return points;
}

function turn(x: number, y: number, direction: number, inside: (x: number, y: number) => boolean): number {
  const { left, right } = DIRECTIONS[direction] as (typeof DIRECTIONS)[number];
  if (!inside(x + right[0], y + right[1])) return (direction + 1) % 4;
  return inside(x + left[0], y + left[1]) ? (direction + 3) % 4 : direction;
}

/** An outline that turns to the left as a whole. */
function isHole(points: readonly number[]): boolean {
  let twice = 0;
  for (let index = 0; index < points.length; index += 2) {
    const [x, y] = [points[index] as number, points[index + 1] as number];
    const next = (index + 2) % points.length;
    twice += x * (points[next + 1] as number) - (points[next] as number) * y;
  }
  return twice < 0;
}
