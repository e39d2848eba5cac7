import type { Box } from "./annotation.ts";

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A label that wants a place at its box. */
export interface LabelRequest {
  box: Box;
  width: number;
  height: number;
}

export interface LabelArea {
  width: number;
  height: number;
  /** Half of it of a box's line lies outside the box; a label's edge lines up with the line's. */
  lineWidth: number;
}

/**
 * Places labels at their boxes, in the order given: whoever comes first has the better choice. Each place touches its
 * box and lies inside the area; above the box is preferred, then inside its top, below, inside its bottom, beside. Where all
 * are taken, the one that covers the least of other labels is used.
 */
export function placeLabels(requests: readonly LabelRequest[], area: LabelArea): Rectangle[] {
  const placed: Rectangle[] = [];
  for (const request of requests) {
    const others = requests.filter((other) => other !== request).map(({ box }) => box);
    let best: Rectangle | undefined;
    let least = Infinity;
    for (const [index, candidate] of candidates(request, area).entries()) {
      const cost = index * 0.012 + costOf(candidate, request, placed, others);
      if (cost < least) [best, least] = [candidate, cost];
    }
    placed.push(best as Rectangle);
  }
  return placed;
}

/** Area that two rectangles share. */
export function overlap(a: Rectangle, b: Rectangle): number {
  const width = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x);
  const height = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Parts of the label's area: other labels count fully, the insides of small boxes in part, being moved inwards a little. */
function costOf(
  candidate: Rectangle,
  { box }: LabelRequest,
  placed: readonly Rectangle[],
  others: readonly Box[],
): number {
  const area = candidate.width * candidate.height;
  let cost = 0;
  for (const label of placed) cost += (3 * overlap(candidate, label)) / area;
  // What a label hides of a thing hurts the more, the smaller the thing is.
  const own = rectangleOf(box);
  cost += 0.35 * hidden(candidate, own);
  for (const other of others) cost += 0.5 * hidden(candidate, rectangleOf(other));
  return cost;
}

/** The part of `box` that `label` hides. */
function hidden(label: Rectangle, box: Rectangle): number {
  const area = box.width * box.height;
  return area > 0 ? overlap(label, box) / area : 0;
}

function candidates({ box, width, height }: LabelRequest, area: LabelArea): Rectangle[] {
  const [x1, y1, x2, y2] = box;
  const half = area.lineWidth / 2;
  const [left, top, right, bottom] = [x1 - half, y1 - half, x2 + half, y2 + half];
  const inside = area.lineWidth;
  const places: [x: number, y: number][] = [];
  const rows: [y: number, indent: number][] = [
    [top - height, 0],
    [top + inside, inside],
    [bottom, 0],
    [bottom - height - inside, inside],
  ];
  for (const [y, indent] of rows) {
    places.push([left + indent, y], [right - width - indent, y], [(left + right - width) / 2, y]);
  }
  places.push([right, top], [left - width, top], [right, bottom - height], [left - width, bottom - height]);
  // The corner, past both edges: for crowds.
  places.push([right - height, top - height], [right - height, bottom]);
  const kept = places.filter(([x, y]) => y >= 0 && y + height <= area.height && x > -width && x < area.width);
  return (kept.length > 0 ? kept : places.slice(3, 4)).map(([x, y]) => ({
    x: clamp(x, 0, area.width - width),
    y: clamp(y, 0, area.height - height),
    width,
    height,
  }));
}

function rectangleOf([x1, y1, x2, y2]: Box): Rectangle {
  return { x: x1, y: y1, width: x2 - x1, height: y2 - y1 };
}

function clamp(value: number, low: number, high: number): number {
  return Math.max(low, Math.min(value, high));
}
