import { writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp, { type Sharp } from "sharp";
import { describe, expect, it } from "vitest";
import type { Annotation } from "../../src/images/annotation.ts";
import { layoutDrawing } from "../../src/images/annotate.ts";
import { render, renderSVG } from "../../src/images/render.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { temporaryFolder } from "../support/folders.ts";
import { decode, encoded, plainPNG } from "../support/pictures.ts";

const annotation: Annotation = {
  width: 600,
  height: 500,
  items: [{ box: [100, 200, 300, 400], label: "dog", score: 0.9, colorKey: "dog" }],
};
const [box] = layoutDrawing(annotation).boxes;

describe("a drawing", () => {
  it.each(["png", "jpeg", "webp"] as const)("is the picture with its boxes: %s", async (format) => {
    const bytes = await render(annotation, encoded(await plainPNG(600, 500, "#808080")), format);
    expect((await sharp(bytes).metadata()).format).toBe(format);
    const { width, height, at } = await decode(bytes);
    expect([width, height]).toEqual([600, 500]);
    if (format !== "png") return;
    expect([at(5, 5), at(100, 300), at(300, 300)]).toEqual(["#808080", box?.color, box?.color]);
  });

  it("has legible letters in its label", async () => {
    const { at } = await decode(await render(annotation, encoded(await plainPNG(600, 500)), "png"));
    const [label] = layoutDrawing(annotation).labels;
    const { x, y, width, height, color, ink } = label as NonNullable<typeof label>;
    const seen: Record<string, number> = {};
    for (let row = Math.ceil(y) + 2; row < y + height - 2; row++)
      for (let column = Math.ceil(x) + 3; column < x + width - 3; column++)
        seen[at(column, row)] = (seen[at(column, row)] ?? 0) + 1;
    expect(seen[color]).toBeGreaterThan(200);
    expect(seen[ink]).toBeGreaterThan(20);
  });

  it("turns the picture upright, as its boxes are", async () => {
    // Stored lying on its side: red on top is on the right when it stands.
    const red = { create: { width: 500, height: 300, channels: 3 as const, background: "#ff0000" } };
    const lying = await sharp({ create: { width: 500, height: 600, channels: 3, background: "#0000ff" } })
      .composite([{ input: await sharp(red).png().toBuffer(), top: 0, left: 0 }])
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const { width, height, at } = await decode(await render({ ...annotation, items: [] }, encoded(lying), "png"));
    expect([width, height, at(590, 250), at(10, 250)]).toEqual([600, 500, "#ff0000", "#0000ff"]);
    const svg = await renderSVG({ ...annotation, items: [] }, encoded(lying));
    const [, embedded = ""] = /data:image\/\w+;base64,([^"]+)/.exec(svg) ?? [];
    expect(await sharp(Buffer.from(embedded, "base64")).metadata()).toMatchObject({ width: 600, height: 500 });
    expect((await sharp(Buffer.from(embedded, "base64")).metadata()).orientation ?? 1).toBe(1);
  });

  it.each<[string, (picture: Sharp) => Sharp]>([
    ["gray", (picture) => picture.grayscale().png()],
    ["16 bit", (picture) => picture.toColourspace("rgb16").png()],
    ["with a palette", (picture) => picture.png({ palette: true })],
    ["CMYK", (picture) => picture.toColourspace("cmyk").jpeg()],
    ["with alpha", (picture) => picture.ensureAlpha(0.5).png()],
    ["GIF", (picture) => picture.gif()],
  ])("takes pictures of any mode: %s", async (_mode, convert) => {
    const picture = encoded(await convert(sharp(await plainPNG(600, 500, "#808080"))).toBuffer());
    const { width, at } = await decode(await render(annotation, picture, "png"));
    expect([width, at(100, 300)]).toEqual([600, box?.color]);
    expect((await decode(await render(annotation, picture, "jpeg"))).width).toBe(600);
    expect(await renderSVG(annotation, picture)).toContain("<image ");
  });

  it("takes pixels and paths", async () => {
    const pixels = new Tensor("uint8", [500, 600, 3], new Uint8Array(500 * 600 * 3).fill(10));
    expect((await decode(await render(annotation, { pixels }, "png"))).at(5, 5)).toBe("#0a0a0a");
    const path = join(temporaryFolder(), "a.png");
    writeFileSync(path, await plainPNG(600, 500, "#0b0b0b"));
    expect((await decode(await render(annotation, { path }, "png"))).at(5, 5)).toBe("#0b0b0b");
  });

  it("adds the caption below, and is as large as it is asked for", async () => {
    const caption = { text: "a dog", phrases: [{ start: 0, end: 5, colorKey: "dog" }] };
    const picture = encoded(await plainPNG(600, 500, "#808080"));
    const { width, height, at } = await decode(
      await render({ ...annotation, caption }, picture, "png", { size: 1200 }),
    );
    expect(width).toBe(1200);
    expect(height).toBeGreaterThan(1020);
    expect(at(1190, height - 2)).toBe("#ffffff");
  });

  it("of a picture of 1x1 and of one of 6000x4000", async () => {
    for (const [w, h, size] of [
      [1, 1, 480],
      [6000, 4000, 6000],
    ] as const) {
      const items = [{ box: [0, 0, w, h] as const, label: "dog", score: 1, colorKey: "dog" }];
      const { width } = await decode(
        await render({ width: w, height: h, items }, encoded(await plainPNG(w, h)), "jpeg"),
      );
      expect(width).toBe(size);
    }
  });
});

describe("a picture that cannot be drawn on", () => {
  it.each([
    ["is no picture", () => encoded(Buffer.from("not a picture")), /unsupported image format/],
    ["is gone", () => ({ path: "/nowhere/a.png" }), /^Cannot draw on \/nowhere\/a.png: /],
  ])("%s", async (_name, image, message) => {
    await expect(render(annotation, image(), "png")).rejects.toMatchObject({ code: "file_error", message });
  });

  it("is another one now", async () => {
    await expect(render(annotation, encoded(await plainPNG(500, 600)), "png")).rejects.toMatchObject({
      code: "file_error",
      message: expect.stringContaining("it has 500x600 pixels, but the boxes were found in 600x500"),
    });
  });
});
