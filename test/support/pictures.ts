import sharp from "sharp";
import type { ResolvedImage } from "../../src/images/source.ts";
import { Tensor } from "../../src/protocol/tensor.ts";

/** A plain picture of one colour as PNG. */
export function plainPNG(width: number, height: number, background = "#ffffff"): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Encoded bytes as the SDK keeps them. */
export function encoded(bytes: Uint8Array): ResolvedImage {
  return { encoded: new Tensor("uint8", [bytes.length], new Uint8Array(bytes)) };
}

/** A drawn picture, to look at its pixels. */
export async function decode(
  bytes: Uint8Array,
): Promise<{ width: number; height: number; at: (x: number, y: number) => string }> {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  const at = (x: number, y: number): string =>
    `#${data.subarray((y * width + x) * channels, (y * width + x) * channels + 3).toString("hex")}`;
  return { width, height, at };
}
