import { describe, expect, it } from "vitest";
import type { Annotation, AnnotationItem, Box } from "../../src/images/annotation.ts";
import { layoutDrawing } from "../../src/images/annotate.ts";
import { Mask } from "../../src/images/mask.ts";
import { escape, toSVG } from "../../src/images/svg.ts";

const item = (label: string, box: Box, score = 0.5): AnnotationItem => ({ label, box, score, colorKey: label });
const annotation = (items: AnnotationItem[], more: Partial<Annotation> = {}): Annotation => ({
  width: 640,
  height: 480,
  items,
  ...more,
});

describe("an SVG", () => {
  it("escapes all text, whatever is in it", () => {
    const evil = `</title><script>alert("1")</script>'&\u0000\ud800 狗<b>`;
    const caption = { text: evil, phrases: [{ start: 0, end: 8, colorKey: evil }] };
    const svg = toSVG(annotation([item(evil, [10, 40, 100, 100])], { caption }), {
      embed: `data:image/png;base64,"><script>`,
    });
    expect(svg).not.toMatch(/<script|<\/title><s|<b>|\0/);
    expect(svg.isWellFormed()).toBe(true);
    expect(svg.match(/<title>/g)).toHaveLength(1);
    expect(escape(`<a href="x">&'`)).toBe("&#60;a href=&#34;x&#34;&#62;&#38;&#39;");
  });

  it("needs nothing from elsewhere, no font either", () => {
    const svg = toSVG(annotation([item("person", [10, 40, 100, 100])]));
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www.w3.org\/2000\/svg" width="640" height="480" viewBox="0 0 640 480">/);
    expect(svg).not.toMatch(/<text|font-family|href|url\(|<image/);
    expect(svg).toContain("<title>person 0.50</title>");
  });

  it("leaves to fonts what has no outline", () => {
    expect(toSVG(annotation([item("狗 dog", [10, 40, 100, 100])]))).toMatch(/<text [^>]*>狗 ?<\/text>/);
  });

  it("has all of it for nothing found, and for a box without area", () => {
    expect(toSVG(annotation([]))).toMatch(/^<svg [^>]*>\n<\/svg>$/);
    expect(toSVG(annotation([item("dot", [5, 5, 5, 5]), item("out", [700, 500, 900, 800])]))).not.toMatch(/NaN|="-/);
  });
});

describe("a mask", () => {
  /** The left half of the picture. */
  const half = new Mask({ size: [2, 4], counts: "044" });
  const small = { width: 4, height: 2 };
  const masked = { ...item("dog", [0, 0, 2, 2]), mask: half };

  it("is an area with an outline in its box's colour, below all boxes", () => {
    const { masks, boxes, picture } = layoutDrawing(annotation([masked], small));
    expect(picture).toEqual({ width: 480, height: 240 });
    expect(masks).toMatchObject([{ color: boxes[0]?.color, title: "dog 0.50" }]);
    const corners = [...(masks[0]?.path.matchAll(/[\d.]+/g) ?? [])].map(Number);
    expect([Math.min(...corners), Math.max(...corners)]).toEqual([0, 240]);
    const svg = toSVG(annotation([masked, item("cat", [0, 0, 4, 2])], small));
    expect(svg).toMatch(/<path [^>]*fill-opacity="0.45" fill-rule="evenodd"/);
    expect(svg.indexOf("evenodd")).toBeLessThan(svg.indexOf("cat 0.50"));
  });

  it("leaves its box a thin line and no area", () => {
    const { boxes, lineWidth } = layoutDrawing(annotation([masked, item("cat", [0, 0, 4, 2])], small));
    expect(boxes.map(({ title, fill }) => [title, fill > 0])).toEqual([
      ["cat 0.50", true],
      ["dog 0.50", false],
    ]);
    expect(boxes[0]?.lineWidth).toBe(lineWidth);
    expect(boxes[1]?.lineWidth).toBeLessThan(lineWidth);
  });

  it("of nothing is not drawn", () => {
    const nothing = new Mask({ size: [2, 4], counts: "8" });
    expect(layoutDrawing(annotation([{ ...masked, mask: nothing }], small)).masks).toEqual([]);
    expect(layoutDrawing(annotation([masked], small), { minScore: 0.6 }).masks).toEqual([]);
  });
});

describe("a layout", () => {
  it("paints large boxes first and the best label last", () => {
    const items = [
      item("small", [100, 100, 150, 150], 0.3),
      item("large", [0, 0, 640, 480], 0.6),
      item("middle", [50, 50, 300, 300], 0.9),
    ];
    const { boxes, labels } = layoutDrawing(annotation(items));
    expect(boxes.map(({ title }) => title.split(" ")[0])).toEqual(["large", "middle", "small"]);
    expect(labels.at(-1)?.color).toBe(boxes[1]?.color);
  });

  it("scales labels and lines with the picture, and enlarges small pictures", () => {
    const of = (width: number, height: number) =>
      layoutDrawing({ width, height, items: [item("dog", [0, 0, width, height])] });
    expect(of(6000, 4000).labels[0]?.fontSize).toBeGreaterThan(90);
    expect(of(6000, 4000).lineWidth).toBeGreaterThan(12);
    expect(of(64, 48).picture).toEqual({ width: 480, height: 360 });
    expect(of(1, 1).picture).toEqual({ width: 480, height: 480 });
    expect(of(1000, 2).labels[0]?.height).toBeGreaterThan(0);
    expect(of(640, 480)).toMatchObject({ width: 640, height: 480, caption: undefined });
  });

  it("does as it is asked", () => {
    const items = [item("dog", [10, 10, 100, 100], 0.9), item("cat", [200, 200, 300, 300], 0.2)];
    expect(layoutDrawing(annotation(items), { labels: false }).labels).toEqual([]);
    expect(layoutDrawing(annotation(items), { minScore: 0.5 }).boxes).toHaveLength(1);
    expect(layoutDrawing(annotation(items), { size: 320 }).picture).toEqual({ width: 320, height: 240 });
    const [withScore, without] = [true, false].map(
      (scores) => layoutDrawing(annotation(items), { scores }).labels[0]?.width ?? 0,
    );
    expect(withScore).toBeGreaterThan(without as number);
  });

  it("gives a label the same colour in every picture of one prompt", () => {
    const colorKeys = Array.from({ length: 12 }, (_, index) => `label ${index}`);
    const colorOf = (items: AnnotationItem[]) => layoutDrawing(annotation(items, { colorKeys })).boxes.at(-1)?.color;
    const last = item("label 11", [10, 10, 20, 20]);
    expect(colorOf([last])).toBe(colorOf([item("label 3", [0, 0, 300, 300]), last]));
  });

  it("has the colours that are given to keys", () => {
    const items = [item("a", [10, 10, 20, 20]), item("b", [0, 0, 300, 300])];
    const { boxes, labels } = layoutDrawing(annotation(items, { colors: new Map([["b", "#7c09aa"]]) }));
    expect(boxes.filter(({ color }) => color === "#7c09aa")).toHaveLength(1);
    expect(labels.filter(({ color }) => color === "#7c09aa")).toHaveLength(1);
  });
});

describe("a caption", () => {
  const text = "a man in a red shirt holds an umbrella, while two dogs wait";
  const phrases = ["a man in a red shirt", "an umbrella"].map((key) => ({
    start: text.indexOf(key),
    end: text.indexOf(key) + key.length,
    colorKey: key,
  }));
  const lay = (width: number, caption: NonNullable<Annotation["caption"]>) =>
    layoutDrawing({ width, height: 400, items: [item("an umbrella", [10, 10, 50, 50])], caption });

  it("is below the picture, its phrases in the colours of their boxes", () => {
    const { height, caption, boxes } = lay(800, { text, phrases });
    expect(caption?.y).toBe(400);
    expect(height).toBe(400 + (caption?.height ?? 0));
    const colored = caption?.pieces.filter(({ color }) => color !== undefined) ?? [];
    expect(colored).toHaveLength(2);
    expect(colored[1]?.color).toBe(boxes[0]?.color);
  });

  it("breaks its lines within the picture's width", () => {
    for (const width of [480, 520, 640, 900]) {
      const { caption } = lay(width, { text: `${text} `.repeat(6), phrases });
      for (const piece of caption?.pieces ?? []) expect(piece.x + piece.width).toBeLessThanOrEqual(width);
      expect(new Set(caption?.pieces.map(({ y }) => y)).size).toBeGreaterThan(2);
    }
    const { caption } = lay(480, { text: "x".repeat(200), phrases: [] });
    for (const piece of caption?.pieces ?? []) expect(piece.x + piece.width).toBeLessThanOrEqual(480);
  });

  it("ends in an ellipsis when it is a book, and takes any span", () => {
    const { caption } = lay(640, { text: `${text} `.repeat(200), phrases: [{ start: -5, end: 1e9, colorKey: "a" }] });
    expect(caption?.height).toBeLessThan(400);
    expect(lay(640, { text: "", phrases: [] }).caption?.height).toBe(0);
    expect(lay(640, { text: "a b", phrases: [{ start: 2, end: 1, colorKey: "a" }] }).caption?.pieces).toHaveLength(1);
  });
});
