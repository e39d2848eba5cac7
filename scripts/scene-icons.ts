// Makes src/datasets/scenes/icons/*.ts (the icons that scenes are drawn with) and src/datasets/scenes/outlines.ts (which
// part of its square each icon and shape covers). Run it only to change the categories, the shapes or the icon sets:
//
//   npm install --no-save @iconify-json/fluent-emoji-flat@1.2.6 @iconify-json/noto@1.2.9 @iconify-json/twemoji@1.2.5
//   node scripts/run.mjs scripts/scene-icons.ts && npx prettier --write src/datasets/scenes
//
// Every seeded scene may change with what it writes: test/datasets/scenes pins them.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import sharp from "sharp";
import { heldOutIcons, type IconStyle, iconStyles, seenIcons } from "../src/datasets/scenes/categories.ts";
import { type Icon, iconSvg } from "../src/datasets/scenes/icon-svg.ts";
import { shapeNames, shapeSvg } from "../src/datasets/scenes/shapes.ts";

const sources: Record<IconStyle, { set: string; notice: string }> = {
  fluent: {
    set: "@iconify-json/fluent-emoji-flat",
    notice:
      "Fluent Emoji. Copyright (c) Microsoft Corporation (https://github.com/microsoft/fluentui-emoji),\n" +
      "// under the MIT License: docs/licenses/MIT-fluentui-emoji.txt",
  },
  noto: {
    set: "@iconify-json/noto",
    notice:
      "Noto Emoji. Copyright Google Inc (https://github.com/googlefonts/noto-emoji),\n" +
      "// under the Apache License 2.0: docs/licenses/Apache-2.0-noto-emoji.txt",
  },
  twemoji: {
    set: "@iconify-json/twemoji",
    notice:
      "Twemoji. Copyright Twitter, Inc and other contributors (https://github.com/jdecked/twemoji),\n" +
      "// under CC-BY 4.0 (https://creativecommons.org/licenses/by/4.0/): docs/licenses/CC-BY-4.0-twemoji.txt",
  },
};

/** Pixels of a side in which an icon's extent is measured, and cells of a side of an outline. */
const MEASURED = 512;
const CELLS = 32;

interface IconSet {
  width: number;
  height: number;
  icons: Record<string, { body: string; width?: number; height?: number; left?: number; top?: number }>;
}

const folder = join(process.cwd(), "src", "datasets", "scenes");
const require = createRequire(join(process.cwd(), "package.json"));
const outlines: string[] = [];

for (const style of iconStyles) {
  const { set, notice } = sources[style];
  const { icons, width, height } = JSON.parse(readFileSync(require.resolve(`${set}/icons.json`), "utf8")) as IconSet;
  const lines: string[] = [];
  for (const { icon: name } of [...seenIcons, ...heldOutIcons]) {
    const found = icons[name];
    if (found === undefined) throw new Error(`${set} has no icon ${name}`);
    const box: Box = [found.left ?? 0, found.top ?? 0, found.width ?? width, found.height ?? height];
    const icon: Icon = { viewBox: await tight(found.body, box), body: found.body.replaceAll(/\s+/g, " ") };
    lines.push(`  ${JSON.stringify([name, icon.viewBox, icon.body].join("\t"))},\n`);
    outlines.push(`  ${JSON.stringify(`${style}/${name}\t${await outline(iconSvg(icon, 8 * CELLS))}`)},\n`);
  }
  writeFileSync(
    join(folder, "icons", `${style}.ts`),
    `// Written by scripts/scene-icons.ts from ${set}: the icons of the scenes' categories, cut to what is visible.\n` +
      `// ${notice}\n\n/** Name, view box and body of each icon, separated by tabs. */\n` +
      `export const icons: readonly string[] = [\n${lines.join("")}];\n`,
  );
}

for (const name of shapeNames) {
  outlines.push(`  ${JSON.stringify(`shape/${name}\t${await outline(shapeSvg(name, 8 * CELLS))}`)},\n`);
}
writeFileSync(
  join(folder, "outlines.ts"),
  `// Written by scripts/scene-icons.ts.\n\n` +
    `/**\n * Which cells of its square each icon and shape covers, ${CELLS} x ${CELLS} bits row by row in base64, and the mean colour\n` +
    ` * of what it covers; separated by tabs.\n */\n` +
    `export const outlines: readonly string[] = [\n${outlines.join("")}];\n`,
);

/** x, y, width and height in the icon's own units. */
type Box = [number, number, number, number];

/** The smallest square around what can be seen of the icon, in the icon's own units. */
async function tight(body: string, [x, y, width, height]: Box): Promise<string> {
  const side = Math.max(width, height);
  const [left, top] = [x - (side - width) / 2, y - (side - height) / 2];
  const { data } = await pixels(iconSvg({ viewBox: [left, top, side, side].join(" "), body }, MEASURED));
  let [x1, y1, x2, y2] = [MEASURED, MEASURED, 0, 0];
  for (let row = 0; row < MEASURED; row++)
    for (let column = 0; column < MEASURED; column++)
      if ((data[(row * MEASURED + column) * 4 + 3] as number) >= 16) {
        [x1, y1, x2, y2] = [Math.min(x1, column), Math.min(y1, row), Math.max(x2, column + 1), Math.max(y2, row + 1)];
      }
  const unit = side / MEASURED;
  const extent = Math.max(x2 - x1, y2 - y1) * unit;
  const corner = [left + ((x1 + x2) * unit - extent) / 2, top + ((y1 + y2) * unit - extent) / 2];
  return [...corner, extent, extent].map((value) => Number(value.toFixed(3))).join(" ");
}

async function outline(svg: string): Promise<string> {
  const { data, info } = await pixels(svg);
  const bits = new Uint8Array((CELLS * CELLS) / 8);
  const step = info.width / CELLS;
  const sums = [0, 0, 0, 0];
  for (let at = 0; at < data.length; at += 4) {
    const alpha = data[at + 3] as number;
    for (let channel = 0; channel < 3; channel++) (sums[channel] as number) += (data[at + channel] as number) * alpha;
    (sums[3] as number) += alpha;
  }
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    let alpha = 0;
    for (let row = 0; row < step; row++)
      for (let column = 0; column < step; column++) {
        const at = ((Math.floor(cell / CELLS) * step + row) * info.width + (cell % CELLS) * step + column) * 4;
        alpha += data[at + 3] as number;
      }
    if (alpha >= 128 * step * step) (bits[cell >> 3] as number) |= 1 << (cell & 7);
  }
  const mean = sums.slice(0, 3).map((sum) => Math.round(sum / (sums[3] as number)));
  const tone = `#${mean.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  return `${Buffer.from(bits).toString("base64")}\t${tone}`;
}

async function pixels(svg: string) {
  return sharp(Buffer.from(svg)).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
}
