import { describe, expect, it } from "vitest";
import { chart, short } from "../../../src/training/report/chart.ts";
import { smoothed, thin } from "../../../src/training/report/curve.ts";
import { powers, ticks } from "../../../src/training/report/ticks.ts";

const line = (count: number, y: (step: number) => number): [number, number][] =>
  Array.from({ length: count }, (_, index) => [index + 1, y(index + 1)]);

describe("ticks", () => {
  it.each<[number, number, number, number[]]>([
    [0, 1, 5, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 0.3, 3, [0, 0.1, 0.2, 0.3]],
    [1, 200, 4, [50, 100, 150, 200]],
    [-1, 1, 4, [-1, -0.5, 0, 0.5, 1]],
    [5, 5, 4, [5]],
  ])("from %d to %d, about %d, are round", (low, high, count, expected) => {
    expect(ticks(low, high, count)).toEqual(expected);
  });

  it("are powers of ten on a logarithmic axis", () => {
    expect(powers(0.002, 20)).toEqual([0.01, 0.1, 1, 10]);
    expect(powers(1e-20, 1)).toEqual([1e-20, 1e-16, 1e-12, 1e-8, 1e-4, 1]);
    expect(powers(2, 30)).toEqual([2, 30]);
  });
});

describe("a curve", () => {
  it("is thinned to means, and ends where it did", () => {
    expect(thin(line(5, (step) => step))).toEqual(line(5, (step) => step));
    expect(
      thin(
        line(6, (step) => step),
        3,
      ),
    ).toEqual([
      [2, 1.5],
      [4, 3.5],
      [6, 5.5],
    ]);
    expect(thin(line(100_000, () => 1))).toHaveLength(500);
  });

  it("is smoothed towards its mean, without being drawn to zero at its start", () => {
    const noisy = line(400, (step) => (step % 2 === 0 ? 1 : 3));
    const calm = smoothed(noisy, false).slice(100);
    for (const [, y] of calm) expect(y).toBeCloseTo(2, 0);
    expect(
      smoothed(
        line(3, () => 7),
        false,
      ),
    ).toEqual(line(3, () => 7));
    const falling = line(400, (step) => 10 ** (-step / 40));
    const [, last] = smoothed(falling, true).at(-1) as [number, number];
    expect(Math.abs(Math.log10(last) + 10)).toBeLessThan(1);
  });
});

describe("a chart", () => {
  const drawn = chart({ name: "a <b>", points: line(40, (step) => 1 / step), smooth: true });

  it("has its name, its last value, a faint and a smoothed line, and what the script reads", () => {
    expect(drawn).toContain("<b>a &#60;b&#62;</b>");
    expect(drawn.match(/<path class="(raw|line)"/g)).toEqual(['<path class="raw"', '<path class="line"']);
    const [, data = ""] = /data-points="([^"]*)"/.exec(drawn) ?? [];
    const points = JSON.parse(data.replaceAll("&#34;", '"')) as number[][];
    expect(points).toHaveLength(40);
    expect(points[0]?.slice(0, 2)).toEqual([1, 1]);
    for (const [, , x = 0, y = 0] of points) expect(x >= 0 && x <= 380 && y >= 0 && y <= 200).toBe(true);
  });

  it.each<[string, [number, number][]]>([
    ["one point", [[3, 0.5]]],
    ["a curve that stays", line(9, () => 0)],
    ["negative values", line(9, (step) => -step)],
    ["many orders of magnitude", line(99, (step) => 10 ** -step)],
  ])("of %s has no NaN in it", (_, points) => {
    const svg = chart({ name: "x", points, smooth: false });
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(svg).toContain('<path class="line"');
  });

  it("marks the points of a short curve", () => {
    const few = chart({ name: "AP", points: line(3, (step) => step), smooth: false });
    expect(few.match(/<circle cx/g)).toHaveLength(3);
    expect(few).not.toContain('class="raw"');
  });
});

it.each([
  [0, "0"],
  [1.5e-4, "1.5e-4"],
  [1e-5, "1e-5"],
  [0.25, "0.25"],
  [12345, "12.3k"],
  [2e6, "2M"],
])("%d is %s on an axis", (value, text) => {
  expect(short(value)).toBe(text);
});
