import { describe, expect, it } from "vitest";
import { assignColors, inkOn, palette, relativeLuminance } from "../../src/images/palette.ts";

type Triple = readonly [number, number, number];

/** Linear RGB as people with each kind of colour vision get it (Machado, Oliveira, Fernandes 2009, severity 1). */
const visions: Record<string, readonly Triple[]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

describe("the palette", () => {
  it.each([
    ["normal", 8, 0.17],
    ["protanopia", 8, 0.1],
    ["deuteranopia", 8, 0.1],
    ["tritanopia", 8, 0.1],
    ["normal", 16, 0.1],
    ["protanopia", 16, 0.05],
    ["deuteranopia", 16, 0.05],
    ["tritanopia", 16, 0.05],
  ])("keeps apart for %s among the first %i by %f in OKLab", (vision, count, least) => {
    const seen = palette.slice(0, count).map((color) => oklab(color, visions[vision] as readonly Triple[]));
    const distances = seen.flatMap((a, index) =>
      seen.slice(index + 1).map((b) => Math.hypot(...a.map((v, i) => v - (b[i] as number)))),
    );
    expect(Math.min(...distances)).toBeGreaterThan(least);
  });

  it("has text that can be read on each of its colours", () => {
    for (const color of palette) {
      const [light, dark] = [relativeLuminance(color), relativeLuminance(inkOn(color))].sort((a, b) => b - a) as [
        number,
        number,
      ];
      expect((light + 0.05) / (dark + 0.05), color).toBeGreaterThanOrEqual(4.5);
    }
    expect([inkOn("#ffffff"), inkOn("#101010")]).toEqual(["#000000", "#ffffff"]);
  });
});

describe("colours of labels", () => {
  it("are the same in every picture, whatever its case", () => {
    const alone = assignColors(["dog"]).get("dog");
    expect(assignColors(["person", "dog", "cat"]).get("dog")).toBe(alone);
    expect(assignColors(["Dog"]).get("Dog")).toBe(alone);
  });

  it("differ for up to sixteen labels, and do not run out after", () => {
    const keys = Array.from({ length: 100 }, (_, index) => `label ${index}`);
    expect(new Set(assignColors(keys.slice(0, 8)).values()).size).toBe(8);
    expect(new Set(assignColors(keys.slice(0, 16)).values()).size).toBe(16);
    expect(assignColors(keys).size).toBe(100);
  });

  it("of the first eight stay when more labels come", () => {
    const keys = Array.from({ length: 30 }, (_, index) => `label ${index}`);
    const few = assignColors(keys.slice(0, 8));
    const many = assignColors(keys);
    for (const [key, color] of few) expect(many.get(key)).toBe(color);
  });

  it("are six for six of the commonest words", () => {
    const words = ["person", "car", "dog", "cat", "bicycle", "bus"];
    expect(new Set(words.map((word) => assignColors([word]).get(word))).size).toBe(6);
  });
});

function oklab(color: string, vision: readonly Triple[]): number[] {
  const linear = [1, 3, 5].map((at) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as unknown as Triple;
  const [r, g, b] = vision.map((row) => Math.min(1, Math.max(0, dot(row, linear)))) as unknown as Triple;
  const cones = [
    [0.4122214708, 0.5363325363, 0.0514459929],
    [0.2119034982, 0.6806995451, 0.1073969566],
    [0.0883024619, 0.2817188376, 0.6299787005],
  ].map((row) => Math.cbrt(dot(row as unknown as Triple, [r, g, b]))) as unknown as Triple;
  return [
    [0.2104542553, 0.793617785, -0.0040720468],
    [1.9779984951, -2.428592205, 0.4505937099],
    [0.0259040371, 0.7827717662, -0.808675766],
  ].map((row) => dot(row as unknown as Triple, cones));
}

function dot(a: Triple, b: Triple): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}
