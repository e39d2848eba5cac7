import { describe, expect, it } from "vitest";
import type { Box } from "../../src/images/annotation.ts";
import { type LabelRequest, overlap, placeLabels, type Rectangle } from "../../src/images/labels.ts";

const area = { width: 640, height: 480, lineWidth: 2 };
const label = (...box: Box): LabelRequest => ({ box, width: 100, height: 20 });

function random(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 16807) % 2147483647) / 2147483647;
}

/** Part of all labels' area that other labels cover. */
function covered(places: readonly Rectangle[]): number {
  const shared = places.flatMap((a, index) => places.slice(index + 1).map((b) => overlap(a, b)));
  return (
    shared.reduce((sum, value) => sum + value, 0) / places.reduce((sum, { width, height }) => sum + width * height, 0)
  );
}

describe("a label", () => {
  it("stands above its box, flush with its left edge", () => {
    expect(placeLabels([label(200, 200, 400, 300)], area)).toEqual([{ x: 199, y: 179, width: 100, height: 20 }]);
  });

  it("goes inside or below where there is no room above", () => {
    const [inside] = placeLabels([label(0, 0, 640, 480)], area);
    expect(inside?.y).toBeGreaterThanOrEqual(0);
    expect(inside?.y).toBeLessThan(20);
    const [below] = placeLabels([label(300, 2, 340, 40)], area);
    expect(below?.y).toBe(41);
  });

  it("makes way for one of a better score", () => {
    const places = placeLabels([label(200, 200, 400, 300), label(210, 200, 410, 300)], area);
    expect(covered(places)).toBe(0);
  });

  it.each([10, 25, 40])("stays inside the picture and apart from the others: %i boxes", (count) => {
    const next = random(count);
    const requests = Array.from({ length: count }, () => {
      const [width, height] = [20 + next() * 120, 20 + next() * 120];
      const [x, y] = [next() * (640 - width), next() * (480 - height)];
      return { box: [x, y, x + width, y + height] as Box, width: 70, height: 16 };
    });
    const places = placeLabels(requests, area);
    for (const { x, y, width, height } of places) {
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0);
      expect(x + width).toBeLessThanOrEqual(640);
      expect(y + height).toBeLessThanOrEqual(480);
    }
    expect(covered(places)).toBeLessThan(count === 40 ? 0.03 : 0.001);
  });

  it("has a place in a picture that is smaller than itself", () => {
    expect(placeLabels([label(0, 0, 8, 8)], { width: 8, height: 8, lineWidth: 1 })).toMatchObject([{ x: 0, y: 0 }]);
  });
});
