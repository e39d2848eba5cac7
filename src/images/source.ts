import { constants } from "node:fs";
import { access, readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { GlipError, messageOf } from "../errors.ts";
import { isTensor, Tensor } from "../protocol/tensor.ts";
import { download } from "./download.ts";
import { pixelsOf, type RawPixels } from "./pixels.ts";

/** All that a picture can be given as. */
export type ImageInput =
  /** Path of a file; a relative one from the working directory. */
  | string
  /** `file:`, `data:`, `blob:`, `http:` or `https:`. */
  | URL
  /** An encoded picture: the bytes of a JPEG, PNG, WebP, … */
  | Uint8Array
  | ArrayBuffer
  | Blob
  /** Decoded pixels; a browser's or a canvas' `ImageData` fits. */
  | RawPixels
  /** Decoded pixels: uint8 `[height, width, channels]` with 1 (gray), 3 (RGB) or 4 (RGBA) channels. */
  | Tensor;

/** A picture as it goes to a worker, and as it is kept for drawing: not decoded. */
export type ResolvedImage =
  /** Absolute path of an existing file. */
  | { path: string }
  /** The bytes of an encoded picture, rank 1. */
  | { encoded: Tensor<"uint8"> }
  /** `[height, width, channels]` with 1, 3 or 4 channels. */
  | { pixels: Tensor<"uint8"> };

export interface ResolveImageOptions {
  signal?: AbortSignal;
  /** Whether the worker sees this machine's files; otherwise a file is read and its bytes are sent. @default true */
  sameHost?: boolean;
  /** Most bytes that an encoded picture may have where it is read or fetched. @default 256 MiB */
  maxBytes?: number;
  /** Time that a download may take. @default 30000 */
  timeoutMs?: number;
}

const MAX_BYTES = 256 * 2 ** 20;
const TIMEOUT_MS = 30_000;

/**
 * Brings a picture into the form in which it is sent. Nothing is decoded, and nothing that is in memory is copied.
 * @param path how the caller knows the picture, for errors
 * @throws GlipError `invalid_argument` for what is no picture by its type; `file_error` for a file that is missing, no
 *   file, unreadable or too large; `download_failed` for a URL; `cancelled`
 */
export async function resolveImage(
  image: ImageInput,
  options: ResolveImageOptions = {},
  path = "image",
): Promise<ResolvedImage> {
  throwIfAborted(options.signal);
  const { maxBytes = MAX_BYTES, timeoutMs = TIMEOUT_MS } = options;
  const given: unknown = image;
  if (typeof given === "string") return fromFile(pathOf(given, path), options);
  if (given instanceof URL) {
    if (given.protocol === "file:") return fromFile(fileOf(given, path), options);
    if (!FETCHED.includes(given.protocol))
      throw invalid(path, `a URL with ${FETCHED.join(", ")} or file:`, given.protocol);
    return fromBytes(await download(given, { maxBytes, timeoutMs, signal: options.signal }), path);
  }
  if (isTensor(given)) return { pixels: pixelsOf(given, path) };
  if (given instanceof Uint8Array) return fromBytes(given, path);
  if (given instanceof ArrayBuffer) return fromBytes(new Uint8Array(given), path);
  if (given instanceof Blob) {
    if (given.size > maxBytes) throw tooLarge("the Blob", given.size, maxBytes);
    return fromBytes(new Uint8Array(await given.arrayBuffer()), path);
  }
  if (typeof given === "object" && given !== null && "data" in given && "width" in given && "height" in given) {
    return { pixels: pixelsOf(given as RawPixels, path) };
  }
  const expected =
    "a path, a URL, encoded bytes, a Blob, { data, width, height } or a uint8 tensor [height, width, channels]";
  throw invalid(path, expected, described(given));
}

const FETCHED: readonly string[] = ["http:", "https:", "data:", "blob:"];

function pathOf(text: string, path: string): string {
  if (text === "") throw invalid(path, "the path of a picture", "an empty string");
  if (/^(?:https?|file|blob|ftp|s3|gs):\/\/|^(?:data|blob):/i.test(text)) {
    const start = text.length > 40 ? `${text.slice(0, 40)}…` : text;
    throw invalid(
      path,
      `a path (for a URL pass a URL object: new URL(${JSON.stringify(start)}))`,
      JSON.stringify(start),
    );
  }
  return resolve(text);
}

function fileOf(url: URL, path: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw invalid(path, "a file: URL of this machine", `${url.href} (${messageOf(cause)})`);
  }
}

async function fromFile(
  file: string,
  { sameHost = true, maxBytes = MAX_BYTES, signal }: ResolveImageOptions,
): Promise<ResolvedImage> {
  try {
    const found = await stat(file);
    if (!found.isFile()) throw fileError(file, found.isDirectory() ? "it is a folder" : "it is not a regular file");
    if (found.size === 0) throw fileError(file, "it is empty");
    if (sameHost) {
      await access(file, constants.R_OK);
      return { path: file };
    }
    if (found.size > maxBytes) throw tooLarge(file, found.size, maxBytes);
    const bytes = await readFile(file, { signal });
    return { encoded: new Tensor("uint8", [bytes.length], bytes) };
  } catch (cause) {
    throwIfAborted(signal);
    if (cause instanceof GlipError) throw cause;
    throw fileError(file, REASONS[(cause as NodeJS.ErrnoException).code ?? ""] ?? messageOf(cause), cause);
  }
}

const REASONS: Record<string, string> = {
  ENOENT: "there is no such file",
  ENOTDIR: "there is no such file",
  EACCES: "this process may not read it",
  EPERM: "this process may not read it",
  ENAMETOOLONG: "a name in it is too long",
  ELOOP: "its links lead in a circle",
  ERR_INVALID_ARG_VALUE: "it has a NUL character in it",
};

function fromBytes(bytes: Uint8Array, path: string): ResolvedImage {
  if (bytes.length === 0) throw invalid(path, "the bytes of an encoded picture", "0 bytes");
  // Memory that threads share cannot be sent; all other is used as it is.
  const own = bytes.buffer instanceof ArrayBuffer ? (bytes as Uint8Array<ArrayBuffer>) : new Uint8Array(bytes);
  return { encoded: new Tensor("uint8", [own.length], own) };
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted)
    throw new GlipError("cancelled", "The call was cancelled by its signal.", {}, { cause: signal.reason });
}

function fileError(file: string, reason: string, cause?: unknown): GlipError<"file_error"> {
  return new GlipError("file_error", `Cannot use ${file} as a picture: ${reason}.`, { path: file, reason }, { cause });
}

function tooLarge(name: string, bytes: number, limit: number): GlipError<"file_error"> {
  return fileError(name, `it has ${bytes} bytes, more than maxBytes: ${limit}`);
}

function described(value: unknown): string {
  if (value === null || typeof value !== "object") return typeof value === "function" ? "a function" : String(value);
  return Array.isArray(value) ? `an array of ${value.length}` : `an object (${value.constructor?.name ?? "no class"})`;
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
