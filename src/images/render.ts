import type { Annotation } from "./annotation.ts";
import { type Drawing, type DrawingOptions, layoutDrawing } from "./annotate.ts";
import { loadSharp, openUpright, reading, type SharpModule } from "./picture.ts";
import type { ResolvedImage } from "./source.ts";
import { writeSVG } from "./svg.ts";

/** Formats of pixels that a drawing can be written in. */
export type RasterFormat = "png" | "jpeg" | "webp";

export interface RenderOptions extends DrawingOptions {
  /** 1 to 100, for JPEG and WebP. @default 90 */
  quality?: number;
}

const QUALITY = 90;

/**
 * Draws over the picture and encodes the result. The picture is turned upright first, as its boxes are.
 * @throws GlipError `file_error` when the picture can no longer be read or has another size than the annotation;
 *   `unsupported` when the package sharp can't be loaded here
 */
export async function render(
  annotation: Annotation,
  image: ResolvedImage,
  format: RasterFormat,
  options: RenderOptions = {},
): Promise<Uint8Array> {
  const sharp = await loadSharp();
  const drawing = layoutDrawing(annotation, options);
  const overlay = Buffer.from(writeSVG(drawing, { missing: await missingCharacters(sharp, drawing) }));
  const picture = await openUpright(sharp, image, { own: annotation, wanted: drawing.picture });
  const drawn = picture
    .extend({ bottom: drawing.height - drawing.picture.height, background: "#ffffff" })
    .composite([{ input: overlay, limitInputPixels: false }]);
  const { quality = QUALITY } = options;
  return reading(image, () => {
    if (format === "png") return drawn.png().toBuffer();
    if (format === "webp") return drawn.webp({ quality, smartSubsample: true }).toBuffer();
    // Coloured letters want their colours at full resolution.
    return drawn.flatten({ background: "#ffffff" }).jpeg({ quality, chromaSubsampling: "4:4:4" }).toBuffer();
  });
}

/** The drawing as SVG with the picture in it, upright and as large as it is drawn. @throws as `render` */
export async function renderSVG(
  annotation: Annotation,
  image: ResolvedImage,
  options: RenderOptions = {},
): Promise<string> {
  const sharp = await loadSharp();
  const drawing = layoutDrawing(annotation, options);
  const picture = await openUpright(sharp, image, { own: annotation, wanted: drawing.picture });
  return reading(image, async () => {
    const { hasAlpha } = await picture.metadata();
    const format = hasAlpha ? "png" : "jpeg";
    const bytes = await picture.toFormat(format, { quality: options.quality ?? QUALITY }).toBuffer();
    return writeSVG(drawing, { embed: `data:image/${format};base64,${bytes.toString("base64")}` });
  });
}

let fontsFound: Promise<boolean> | undefined;

/** Without any font on this machine, sharp draws boxes of its own, which fit nowhere. */
async function missingCharacters(sharp: SharpModule, drawing: Drawing): Promise<"fonts" | "boxes"> {
  const lines = [...drawing.labels, ...(drawing.caption?.pieces ?? [])].map(({ text }) => text.line);
  if (lines.every(({ runs }) => runs.every(({ kind }) => kind === "outline"))) return "fonts";
  fontsFound ??= hasFonts(sharp);
  return (await fontsFound) ? "fonts" : "boxes";
}

/** With a font, an H does not look like an i. */
async function hasFonts(sharp: SharpModule): Promise<boolean> {
  const [one, other] = await Promise.all(
    ["H", "i"].map((letter) => {
      const text = `<text x="2" y="16" font-family="sans-serif" font-size="16">${letter}</text>`;
      const probe = `<svg xmlns="http://www.w3.org/2000/svg" width="20" height="20">${text}</svg>`;
      return sharp(Buffer.from(probe)).raw().toBuffer();
    }),
  );
  return one?.equals(other as Buffer) === false;
}
