import { GlipError } from "../errors.ts";
import { isTensor, Tensor } from "../protocol/tensor.ts";

/** Decoded pixels, row by row from the top left: gray, RGB or RGBA, 8 bits a channel. */
export interface RawPixels {
  data: Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
  /** 1, 3 or 4. @default what `data.length` gives */
  channels?: number;
}

const CHANNELS = [1, 3, 4];

/** The pixels as a tensor `[height, width, channels]`, without a copy. @throws GlipError `invalid_argument` */
export function pixelsOf(image: RawPixels | Tensor, path: string): Tensor<"uint8"> {
  if (isTensor(image)) return checkTensor(image, path);
  const { data, width, height } = image;
  for (const [name, value] of [
    ["width", width],
    ["height", height],
  ] as const) {
    if (!Number.isInteger(value) || value < 1) throw invalid(`${path}.${name}`, "an integer > 0", String(value));
  }
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw invalid(`${path}.data`, "a Uint8Array or Uint8ClampedArray", typeName(data));
  }
  const channels = image.channels ?? data.length / (width * height);
  if (!CHANNELS.includes(channels) || data.length !== width * height * channels) {
    const wanted = image.channels === undefined ? "1, 3 or 4" : `${channels}`;
    const expected = `${width} x ${height} x ${wanted} bytes${CHANNELS.includes(channels) ? "" : " (channels: 1, 3 or 4)"}`;
    throw invalid(`${path}.data`, expected, `${data.length}`);
  }
  const shared = !(data.buffer instanceof ArrayBuffer);
  const bytes = shared ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return new Tensor("uint8", [height, width, channels], bytes);
}

function checkTensor(tensor: Tensor, path: string): Tensor<"uint8"> {
  const { dtype, shape } = tensor;
  const expected = "a uint8 tensor [height, width, channels] with 1, 3 or 4 channels";
  if (dtype !== "uint8") throw invalid(path, `${expected}, values 0 to 255`, tensor.toString());
  const [height = 0, width = 0, channels = 0] = shape;
  if (shape.length !== 3 || height < 1 || width < 1 || !CHANNELS.includes(channels)) {
    throw invalid(path, expected, tensor.toString());
  }
  // The dtype was looked at; the type cannot follow it.
  return tensor as Tensor<"uint8">;
}

function typeName(value: unknown): string {
  return value === null || typeof value !== "object" ? typeof value : value.constructor.name;
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
