// Draws docs/pictures/scenes.png and docs/pictures/scenes-annotated.png: what the built-in data looks like, and what is
// known of it. Look at them after every change of the generator:
//
//   node scripts/run.mjs scripts/scene-sheets.ts [--split val-style] [--from 40] [--out DIR]

import { join } from "node:path";
import { parseArgs } from "node:util";
import sharp, { type OverlayOptions } from "sharp";
import type { AnnotatedObject } from "../src/datasets/scenes/annotate.ts";
import { type SceneSample, scenes } from "../src/datasets/scenes/scenes.ts";
import { sceneSplits } from "../src/datasets/scenes/splits.ts";
import type { Sentence } from "../src/datasets/scenes/words/sentence.ts";
import { palette } from "../src/images/palette.ts";

const { values } = parseArgs({
  options: {
    split: { type: "string", default: "train" },
    from: { type: "string", default: "0" },
    out: { type: "string", default: join("docs", "pictures") },
  },
});
const split = sceneSplits.find((name) => name === values.split);
if (split === undefined) throw new Error(`--split: expected one of ${sceneSplits.join(", ")}, got ${values.split}`);
const SIZE = 256;
const LINE = 15;

const samples: SceneSample[] = [];
for await (const sample of scenes({ split, seed: 0, count: 24, start: Number(values.from) })) samples.push(sample);

await sheet("scenes.png", 6, 132, 132, samples, async ({ picture }) => [
  { input: await sharp(picture).resize(128, 128).toBuffer(), left: 0, top: 0 },
]);
await sheet("scenes-annotated.png", 3, SIZE + 8, SIZE + 190, samples.slice(0, 6), async ({ picture, annotations }) => {
  const { objects, captions, expressions, questions } = annotations;
  const lines = [
    ...captions.flatMap((said) => wrap(said)),
    ...expressions.slice(0, 2).flatMap((said) => wrap(said)),
    ...questions.slice(0, 3).flatMap((asked) => wrap(asked, `${asked.answer} ${asked.objects.join(" ")}`)),
  ];
  const text = lines.map((line, index) => `<text x="2" y="${SIZE + 14 + index * LINE}">${line}</text>`).join("");
  const drawing =
    `<svg xmlns="http://www.w3.org/2000/svg" width="${SIZE}" height="${SIZE + 186}" font-family="sans-serif" ` +
    `font-size="11">${objects.map(boxSvg).join("")}${text}</svg>`;
  return [
    { input: Buffer.from(picture), left: 0, top: 0 },
    { ...(await maskOverlay(objects)), left: 0, top: 0 },
    { input: Buffer.from(drawing), left: 0, top: 0 },
  ];
});

/** Cells of one size, in rows. */
async function sheet(
  name: string,
  columns: number,
  width: number,
  height: number,
  shown: SceneSample[],
  draw: (sample: SceneSample) => Promise<OverlayOptions[]>,
): Promise<void> {
  const layers: OverlayOptions[] = [];
  for (const [index, sample] of shown.entries())
    for (const layer of await draw(sample))
      layers.push({ ...layer, left: (index % columns) * width, top: Math.floor(index / columns) * height });
  const size = { width: columns * width, height: Math.ceil(shown.length / columns) * height };
  const file = join(values.out, name);
  const { size: bytes } = await sharp({ create: { ...size, channels: 3, background: "#fff" } })
    .composite(layers)
    .png({ palette: true, colours: 128, effort: 10 })
    .toFile(file);
  console.log(`${file}: ${size.width} x ${size.height}, ${bytes} bytes`);
}

function boxSvg({ id, box: [x1, y1, x2, y2] }: AnnotatedObject): string {
  const color = palette[id % palette.length];
  return (
    `<rect x="${x1}" y="${y1}" width="${x2 - x1}" height="${y2 - y1}" fill="none" stroke="${color}"/>` +
    `<text x="${x1 + 2}" y="${y1 + 10}" fill="${color}" stroke="#000" stroke-width="2" paint-order="stroke">${id}</text>`
  );
}

/** The masks as they are in the files: read back from their run lengths. */
async function maskOverlay(objects: AnnotatedObject[]): Promise<OverlayOptions> {
  const data = Buffer.alloc(SIZE * SIZE * 4);
  for (const { id, mask } of objects) {
    const color = Number.parseInt((palette[id % palette.length] as string).slice(1), 16);
    let at = 0;
    for (const [index, run] of decompress(mask.counts).entries()) {
      for (const end = at + run; at < end; at++)
        if (index % 2 === 1)
          data.writeUInt32BE(((color << 8) | 48) >>> 0, ((at % SIZE) * SIZE + Math.floor(at / SIZE)) * 4);
    }
  }
  return { input: data, raw: { width: SIZE, height: SIZE, channels: 4 } };
}

function decompress(counts: string): number[] {
  const runs: number[] = [];
  for (let at = 0; at < counts.length;) {
    let [value, shift, bits] = [0, 0, 0];
    do {
      bits = counts.charCodeAt(at++) - 48;
      value |= (bits & 31) << shift;
      shift += 5;
    } while ((bits & 32) !== 0);
    if ((bits & 16) !== 0) value |= -1 << shift;
    runs.push(runs.length > 2 ? value + (runs.at(-2) as number) : value);
  }
  return runs;
}

/** Lines of a sentence with its phrases in the colours of their objects. */
function wrap({ text, phrases }: Sentence, answer?: string): string[] {
  const words = [...text.matchAll(/\S+\s*/g)].map(({ 0: word, index }) => {
    const meant = phrases.find(({ start, end }) => index >= start && index < end);
    const [first] = meant?.objects ?? [];
    const style = first === undefined ? "" : ` fill="${palette[first % palette.length]}" font-weight="bold"`;
    return { length: word.length, svg: `<tspan${style} xml:space="preserve">${word}</tspan>` };
  });
  if (answer !== undefined) words.push({ length: answer.length + 3, svg: `<tspan> → ${answer}</tspan>` });
  const lines: { length: number; svg: string }[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last === undefined || last.length + word.length > 38) lines.push(word);
    else lines[lines.length - 1] = { length: last.length + word.length, svg: last.svg + word.svg };
  }
  return lines.map(({ svg }, index) => (index === 0 ? "• " : "  ") + svg);
}
