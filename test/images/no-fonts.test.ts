import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Annotation } from "../../src/images/annotation.ts";
import type { render as Render } from "../../src/images/render.ts";

// A process of its own, whose fontconfig finds no font; set before sharp is loaded.
let folder: string;
let render: typeof Render;
let pictures: typeof import("../support/pictures.ts");

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "glip-no-fonts-"));
  const config = join(folder, "fonts.conf");
  writeFileSync(config, `<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig></fontconfig>`);
  process.env["FONTCONFIG_FILE"] = config;
  ({ render } = await import("../../src/images/render.ts"));
  pictures = await import("../support/pictures.ts");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("without any font on the machine", () => {
  /** Pixels of the label's ink, black, on a white picture without box lines there. */
  async function inked(label: string): Promise<number> {
    const annotation: Annotation = { width: 600, height: 500, items: [], caption: { text: label, phrases: [] } };
    const { width, height, at } = await pictures.decode(
      await render(annotation, pictures.encoded(await pictures.plainPNG(600, 500)), "png"),
    );
    let count = 0;
    for (let y = 500; y < height; y++) for (let x = 0; x < width; x++) if (at(x, y) < "#707070") count++;
    return count;
  }

  it("labels are drawn", async () => {
    expect(await inked("a red umbrella")).toBeGreaterThan(150);
    expect(await inked("красная машина, ζώο")).toBeGreaterThan(150);
  });

  it("characters that only a font could draw become visible boxes", async () => {
    expect(await inked("狗和猫")).toBeGreaterThan(60);
    expect(await inked("🐕")).toBeGreaterThan(20);
  });
});
