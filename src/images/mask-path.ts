import type { Mask } from "./mask.ts";
import { outlinesOf } from "./outlines.ts";

/** How far from a corner its cut begins, in pixels of the picture: steps of one pixel become a straight line. */
const CUT = 0.5;

/** A mask as the data of an SVG path, to be filled by the rule `evenodd`; `scale`: of the drawing to the picture. */
export function maskPath(mask: Mask, scale: number): string {
  return outlinesOf(mask.part())
    .map(({ points }) => {
      const cut = withoutCorners(points).map((value) => Math.round(value * scale * 100) / 100);
      return `M${cut.join(" ")}Z`;
    })
    .join("");
}

/** Two points for each corner, a little before and after it. */
function withoutCorners(points: readonly number[]): number[] {
  const count = points.length / 2;
  const corner = (index: number): [number, number] => {
    const at = 2 * ((index + count) % count);
    return [points[at] as number, points[at + 1] as number];
  };
  return Array.from({ length: count }, (_, index) => {
    const here = corner(index);
    return [...towards(here, corner(index - 1)), ...towards(here, corner(index + 1))];
  }).flat();
}

function towards([x, y]: [number, number], [nextX, nextY]: [number, number]): [number, number] {
  const length = Math.hypot(nextX - x, nextY - y);
  const part = Math.min(CUT, length / 2) / length;
  return [x + (nextX - x) * part, y + (nextY - y) * part];
}
