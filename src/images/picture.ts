import type { Sharp } from "sharp";
import { GlipError, messageOf } from "../errors.ts";
import type { ResolvedImage } from "./source.ts";

export type SharpModule = (typeof import("sharp"))["default"];

/**
 * Pictures are decoded here only to be drawn; sharp is loaded when the first one is.
 * @throws GlipError `unsupported` when sharp has no build for this platform
 */
export async function loadSharp(): Promise<SharpModule> {
  try {
    return (await import("sharp")).default;
  } catch (cause) {
    const text =
      'Drawing on a picture needs the package "sharp", which cannot be loaded here: ' +
      `${messageOf(cause).split("\n")[0]} draw({ picture: false }) gives the boxes alone, without it.`;
    throw new GlipError("unsupported", text, { feature: "drawing", reason: messageOf(cause) }, { cause });
  }
}

/** A picture's own size and the size it is wanted in, in pixels. */
export interface PictureSizes {
  own: { width: number; height: number };
  wanted: { width: number; height: number };
}

/**
 * Opens a picture upright (EXIF orientation applied), in sRGB and in the wanted size.
 * @throws GlipError `file_error` when it can't be read, or is not the picture that was looked at
 */
export async function openUpright(
  sharp: SharpModule,
  image: ResolvedImage,
  { own, wanted }: PictureSizes,
): Promise<Sharp> {
  const opened = open(sharp, image);
  const { autoOrient: found } = await reading(image, () => opened.metadata());
  if (found.width !== own.width || found.height !== own.height) {
    const reason =
      `it has ${found.width}x${found.height} pixels, but the boxes were found in ${own.width}x${own.height}: ` +
      "it is another picture now";
    throw new GlipError("file_error", `Cannot draw on ${nameOf(image)}: ${reason}.`, { path: nameOf(image), reason });
  }
  const enlarged = wanted.width >= 2 * own.width;
  return opened
    .autoOrient()
    .toColourspace("srgb")
    .resize({ ...wanted, fit: "fill", kernel: enlarged ? "cubic" : "lanczos3" });
}

/**
 * Size of an upright picture in pixels.
 * @throws GlipError `file_error`, `unsupported` when sharp has no build for this platform
 */
export async function sizeOf(image: ResolvedImage): Promise<{ width: number; height: number }> {
  const sharp = await loadSharp();
  const { autoOrient } = await reading(image, () => open(sharp, image).metadata());
  return autoOrient;
}

/** Runs what decodes the picture; sharp's errors become `file_error`. */
export async function reading<T>(image: ResolvedImage, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof GlipError) throw cause;
    const reason = messageOf(cause).split("\n")[0] as string;
    const text = `Cannot draw on ${nameOf(image)}: ${reason}.`;
    throw new GlipError("file_error", text, { path: nameOf(image), reason }, { cause });
  }
}

function open(sharp: SharpModule, image: ResolvedImage): Sharp {
  // The worker took what a lenient decoder takes; the drawing must not be stricter.
  const options = { failOn: "none" } as const;
  if ("path" in image) return sharp(image.path, options);
  if ("encoded" in image) return sharp(image.encoded.data, options);
  const [height, width, channels] = image.pixels.shape as [number, number, 1 | 3 | 4];
  return sharp(image.pixels.data, { raw: { width, height, channels } });
}

function nameOf(image: ResolvedImage): string {
  return "path" in image ? image.path : "the picture";
}
