import { z } from "zod";
import { GlipError } from "../../errors.ts";
import type { DrawingOptions } from "../../images/annotate.ts";
import type { Annotation, AnnotationItem, Box } from "../../images/annotation.ts";
import type { Mask } from "../../images/mask.ts";
import { type RasterFormat, render, renderSVG } from "../../images/render.ts";
import { saveDrawing } from "../../images/save.ts";
import type { ResolvedImage } from "../../images/source.ts";
import { toSVG } from "../../images/svg.ts";
import { checkArgument } from "../../protocol/validate.ts";

export interface DrawOptions extends DrawingOptions {
  /** Whether the picture is below its boxes; without it the drawing is transparent. @default true */
  picture?: boolean;
  signal?: AbortSignal;
}

export interface SaveOptions extends DrawingOptions {
  /** 1 to 100, for JPEG and WebP. @default 90 */
  quality?: number;
  signal?: AbortSignal;
}

interface PicturedData {
  width: number;
  height: number;
  passes: number;
  picture: ResolvedImage;
}

/** A mime type for each form in which a notebook can show something. */
export type MediaBundle = Record<string, string>;

const formatSchema = z.enum(["png", "jpeg", "webp"]) satisfies z.ZodType<RasterFormat>;

/** Longest side of what a notebook shows, in pixels. */
const NOTEBOOK_SIZE = 1000;
/** Objects that are listed by name where a result is printed. */
const LISTED = 20;

/** What every result with boxes on a picture can do: draw itself, save the drawing, show itself in a notebook. */
export abstract class Pictured {
  /** Size of the upright picture in pixels. */
  readonly width: number;
  readonly height: number;
  /** In how many prompts was looked: more than one where the text is longer than the model reads at once. */
  readonly passes: number;
  readonly #picture: ResolvedImage;

  constructor({ width, height, passes, picture }: PicturedData) {
    this.width = width;
    this.height = height;
    this.passes = passes;
    this.#picture = picture;
  }

  /** What is drawn. */
  protected abstract annotate(): Annotation;

  /** What is printed: a title, then a line for each object. */
  protected abstract describe(): [title: string, ...objects: string[]];

  /**
   * The picture with its boxes and labels, as a self-contained SVG document.
   * @throws GlipError `file_error` when the picture can no longer be read; `unsupported` when sharp can't be loaded
   *   here (`{ picture: false }` does without it); `cancelled`
   */
  async draw({ picture = true, signal, ...options }: DrawOptions = {}): Promise<string> {
    throwIfAborted(signal);
    const annotation = this.annotate();
    const drawing = picture ? await renderSVG(annotation, this.#picture, options) : toSVG(annotation, options);
    throwIfAborted(signal);
    return drawing;
  }

  /**
   * The picture with its boxes and labels as the bytes of a file, to be sent on rather than saved.
   * @throws GlipError as `draw`; `invalid_argument` for another format
   */
  async encode(format: RasterFormat = "png", { signal, ...options }: SaveOptions = {}): Promise<Uint8Array> {
    throwIfAborted(signal);
    const bytes = await render(this.annotate(), this.#picture, checkArgument(formatSchema, format, "format"), options);
    throwIfAborted(signal);
    return bytes;
  }

  /**
   * Draws into a file: .png, .jpg, .jpeg, .webp or .svg. One that is there is replaced, whole or not at all; folders are
   * not made.
   * @returns the absolute path
   * @throws GlipError `invalid_argument` for another ending, or the picture's own path; `file_error` when it cannot be
   *   written, or the picture not be read; `disk_full`; `unsupported` when sharp can't be loaded here; `cancelled`
   */
  async save(file: string | URL, { signal, ...options }: SaveOptions = {}): Promise<string> {
    throwIfAborted(signal);
    return saveDrawing(file, this.annotate(), this.#picture, options, signal);
  }

  /** How a result shows itself in a notebook of Deno's Jupyter kernel, which awaits it. */
  async [Symbol.for("Jupyter.display")](): Promise<MediaBundle> {
    const plain = this.toString();
    const annotation = this.annotate();
    try {
      const size = Math.min(NOTEBOOK_SIZE, Math.max(480, this.width, this.height));
      // A notebook keeps it in its file: as PNG it would be ten times as long.
      const jpeg = await render(annotation, this.#picture, "jpeg", { size });
      return { "text/plain": plain, "image/jpeg": Buffer.from(jpeg).toString("base64") };
    } catch (error) {
      // A cell's result must not fail because its picture is gone: the boxes are still worth seeing.
      const reason = error instanceof GlipError ? error.message : String(error);
      return { "text/plain": `${plain}\n${reason}`, "image/svg+xml": toSVG(annotation) };
    }
  }

  /** What console.log shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }

  /** What console.log shows in Deno. */
  [Symbol.for("Deno.customInspect")](): string {
    return this.toString();
  }

  toString(): string {
    const [title, ...objects] = this.describe();
    const rest = objects.length - LISTED;
    const listed = objects.slice(0, LISTED).map((line) => `\n  ${line}`);
    return `${title}${listed.join("")}${rest > 0 ? `\n  … and ${rest} more` : ""}`;
  }
}

interface Labelled {
  label: string;
  score: number;
  box: Box;
  mask?: Mask;
}

/** An object as it is drawn. */
export function annotationItem({ label, score, box, mask }: Labelled): AnnotationItem {
  return { box, label, score, colorKey: label, ...(mask && { mask }) };
}

/** `person 0.95 [80, 300, 260, 740]` */
export function describeObject({ label, score, box }: Labelled): string {
  return `${label} ${score.toFixed(2)} [${box.map((value) => Math.round(value * 10) / 10).join(", ")}]`;
}

/** `3 objects` */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (!signal?.aborted) return;
  throw new GlipError("cancelled", "The drawing was cancelled by its signal.", {}, { cause: signal.reason });
}
