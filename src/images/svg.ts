import type { Annotation } from "./annotation.ts";
import {
  type Drawing,
  type DrawingOptions,
  type DrawnBox,
  type DrawnLabel,
  type DrawnMask,
  layoutDrawing,
} from "./annotate.ts";
import type { Caption } from "./caption.ts";
import { inkOn } from "./palette.ts";
import { replacementPath, type TextLine } from "./text.ts";

export interface SvgOptions extends DrawingOptions {
  /** A `data:` URL of the picture, upright; it is drawn below the boxes. @default only the boxes, on nothing */
  embed?: string;
}

export interface WriteOptions {
  /** A `data:` URL of the picture. */
  embed?: string | undefined;
  /** Whether characters without an outline of ours are left to fonts, or drawn as a box. @default "fonts" */
  missing?: "fonts" | "boxes";
}

/**
 * A drawing of masks, boxes, labels and caption as an SVG document that needs nothing beside it, no font either: text is drawn
 * as outlines. Each box has its label and score as its title, which viewers show under the pointer.
 */
export function toSVG(annotation: Annotation, options: SvgOptions = {}): string {
  return writeSVG(layoutDrawing(annotation, options), { embed: options.embed });
}

/** Writes a drawing that is laid out. */
export function writeSVG(drawing: Drawing, { embed, missing = "fonts" }: WriteOptions = {}): string {
  const { width, height, picture, masks, boxes, labels, caption, lineWidth } = drawing;
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    embed === undefined
      ? ""
      : `<image width="${picture.width}" height="${picture.height}" preserveAspectRatio="none" href="${escape(embed)}"/>`,
    ...masks.map((mask) => maskElement(mask, lineWidth)),
    ...boxes.map(boxElement),
    ...labels.map((label) => labelElement(label, missing)),
    caption === undefined ? "" : captionElement(caption, missing),
    "</svg>",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

/** Escapes text for an element's content and for an attribute. What XML cannot hold at all becomes U+FFFD. */
export function escape(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "\ufffd") // oxlint-disable-line eslint/no-control-regex
    .replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** The line of a mask has a seam as that of a box has. */
function maskElement({ path, color, title }: DrawnMask, lineWidth: number): string {
  return (
    `<g><title>${escape(title)}</title>` +
    `<path d="${path}" fill="none" stroke="${inkOn(color)}" stroke-opacity="0.45" stroke-width="${short(lineWidth * 1.4)}" stroke-linejoin="round"/>` +
    `<path d="${path}" fill="${color}" fill-opacity="0.45" fill-rule="evenodd" stroke="${color}" stroke-width="${short(lineWidth * 0.8)}" stroke-linejoin="round"/></g>`
  );
}

/** The line of a box has a seam, dark for a light colour, so that it stands out from a ground of its own colour. */
function boxElement({ x, y, width, height, color, lineWidth, fill, title }: DrawnBox): string {
  const place = `x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" rx="${short(lineWidth)}"`;
  const inside = fill > 0 ? `fill="${color}" fill-opacity="${fill}"` : `fill="none"`;
  return (
    `<g><title>${escape(title)}</title>` +
    `<rect ${place} fill="none" stroke="${inkOn(color)}" stroke-opacity="0.45" stroke-width="${short(lineWidth * 1.8)}"/>` +
    `<rect ${place} ${inside} stroke="${color}" stroke-width="${short(lineWidth)}"/></g>`
  );
}

function labelElement(label: DrawnLabel, missing: "fonts" | "boxes"): string {
  const { x, y, width, height, color, ink, fontSize, text } = label;
  return (
    `<g><rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" ` +
    `rx="${short(fontSize * 0.22)}" fill="${color}" stroke="#000" stroke-opacity="0.35" stroke-width="${short(fontSize * 0.06)}"/>` +
    `${textElement(text, ink, fontSize, missing)}</g>`
  );
}

function captionElement({ x, y, width, height, fontSize, pieces }: Caption, missing: "fonts" | "boxes"): string {
  const drawn = pieces.map(({ color, ink, text, ...chip }) => {
    const ground =
      color === undefined
        ? ""
        : `<rect x="${short(chip.x)}" y="${short(chip.y)}" width="${short(chip.width)}" height="${short(chip.height)}" ` +
          `rx="${short(fontSize * 0.22)}" fill="${color}"/>`;
    return ground + textElement(text, ink, fontSize, missing);
  });
  return `<g><rect x="${short(x)}" y="${short(y)}" width="${short(width)}" height="${short(height)}" fill="#fff"/>${drawn.join("")}</g>`;
}

function textElement(
  { x, y, line }: { x: number; y: number; line: TextLine },
  ink: string,
  fontSize: number,
  missing: "fonts" | "boxes",
): string {
  const runs = line.runs.map((run) => {
    if (run.kind === "outline") return `<path d="${run.path}"/>`;
    if (missing === "boxes") return `<path d="${replacementPath(run, fontSize)}"/>`;
    return (
      `<text x="${short(run.x)}" y="0" font-family="system-ui, sans-serif" font-weight="600" font-size="${short(fontSize)}" ` +
      `textLength="${short(run.width)}" lengthAdjust="spacingAndGlyphs">${escape(run.text)}</text>`
    );
  });
  return `<g transform="translate(${short(x)} ${short(y)})" fill="${ink}">${runs.join("")}</g>`;
}

function short(value: number): number {
  return Math.round(value * 100) / 100 + 0;
}
