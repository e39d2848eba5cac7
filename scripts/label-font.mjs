// Makes src/images/inter-glyphs.ts: the outlines of Inter SemiBold with which labels are drawn, so that they look the
// same on a machine without fonts. Run it only to change what that file holds:
//
//   npm install --no-save opentype.js@2.0.0 @fontsource/inter@5.3.0
//   node scripts/label-font.mjs

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";

import { inRoot } from "./lib/repository.mjs";

const require = createRequire(import.meta.url);
const opentype = require("opentype.js");

const EM = 1000;
/** Subsets of the package, and the code points taken of each. @type {[subset: string, ranges: number[][]][]} */
const subsets = [
  [
    "latin",
    [
      [0x20, 0x7e],
      [0xa0, 0xff],
      [0x2010, 0x2027],
      [0x2030, 0x203a],
      [0x20ac, 0x20ac],
      [0x2122, 0x2122],
      [0x2190, 0x2193],
      [0x2212, 0x2212],
    ],
  ],
  [
    "latin-ext",
    [
      [0x100, 0x17f],
      [0x218, 0x21b],
      [0x1e9e, 0x1e9e],
    ],
  ],
  [
    "vietnamese",
    [
      [0x1a0, 0x1b0],
      [0x1ea0, 0x1ef9],
    ],
  ],
  ["greek", [[0x384, 0x3ce]]],
  [
    "cyrillic",
    [
      [0x400, 0x45f],
      [0x490, 0x491],
      [0x4b0, 0x4b1],
      [0x2116, 0x2116],
    ],
  ],
  ["cyrillic-ext", [[0x492, 0x4ff]]],
];

const glyphs = new Map();
for (const [subset, ranges] of subsets) {
  const bytes = readFileSync(require.resolve(`@fontsource/inter/files/inter-${subset}-600-normal.woff`));
  const font = opentype.parse(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  const scale = EM / font.unitsPerEm;
  for (const [from, to] of ranges) {
    for (let code = from; code <= to; code++) {
      const character = String.fromCodePoint(code);
      const glyph = font.charToGlyph(character);
      if (glyph.index === 0 || glyphs.has(code)) continue;
      glyphs.set(code, `${character}${Math.round(glyph.advanceWidth * scale)}${outline(glyph.path.commands, scale)}`);
    }
  }
}

// A page of the Unicode table is a line, for 600 lines of numbers are nothing to read.
const pages = new Map();
for (const [code, line] of [...glyphs].sort(([a], [b]) => a - b)) {
  const page = code >> 7;
  pages.set(page, [...(pages.get(page) ?? []), line]);
}
const data = [...pages.values()].map((page) => `  ${JSON.stringify(page.join("\t"))},\n`).join("");

writeFileSync(
  inRoot("src", "images", "inter-glyphs.ts"),
  `// Written by scripts/label-font.mjs from Inter SemiBold. Copyright 2016 The Inter Project Authors
// (https://github.com/rsms/inter), under the SIL Open Font License 1.1: docs/licenses/OFL-Inter.txt

/**
 * The characters of Inter SemiBold, separated by tabs: each with its advance and its outline, an SVG path of relative
 * commands that starts at the glyph's origin. ${EM} units to the em, y downwards.
 */
export const interGlyphs: readonly string[] = [
${data}];
`,
);

/** Relative commands from the origin: rounding errors do not add up, for each is taken from where the pen really is. */
function outline(commands, scale) {
  let pen = [0, 0];
  let start = [0, 0];
  let text = "";
  const to = (x, y) => [Math.round(x * scale), Math.round(-y * scale)];
  const relative = (points) =>
    points
      .flatMap(([x, y]) => [x - pen[0], y - pen[1]])
      .join(" ")
      .replaceAll(" -", "-");
  for (const { type, x, y, x1, y1 } of commands) {
    if (type === "Z") {
      text += "z";
      pen = start;
      continue;
    }
    const end = to(x, y);
    if (type === "L" && end[0] === pen[0] && end[1] === pen[1]) continue;
    if (type === "M") text += `m${relative([end])}`;
    else if (type === "L" && end[0] === pen[0]) text += `v${end[1] - pen[1]}`;
    else if (type === "L" && end[1] === pen[1]) text += `h${end[0] - pen[0]}`;
    else if (type === "L") text += `l${relative([end])}`;
    else if (type === "Q") text += `q${relative([to(x1, y1), end])}`;
    else throw new Error(`the outline has a command that is not expected: ${type}`);
    pen = end;
    if (type === "M") start = end;
  }
  return text;
}
