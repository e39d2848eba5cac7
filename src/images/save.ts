import { randomUUID } from "node:crypto";
import { realpath, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { GlipError, messageOf } from "../errors.ts";
import type { Annotation } from "./annotation.ts";
import { type RasterFormat, render, type RenderOptions, renderSVG } from "./render.ts";
import type { ResolvedImage } from "./source.ts";

const FORMATS: Record<string, RasterFormat | "svg"> = {
  ".png": "png",
  ".jpg": "jpeg",
  ".jpeg": "jpeg",
  ".webp": "webp",
  ".svg": "svg",
};

const FULL = ["ENOSPC", "EDQUOT"];

/** Draws into a file whose ending says the format; see `Detections.save`. */
export async function saveDrawing(
  file: string | URL,
  annotation: Annotation,
  image: ResolvedImage,
  options: RenderOptions = {},
  signal?: AbortSignal,
): Promise<string> {
  const { path, format } = await checkDrawingFile(file);
  if ("path" in image && (await isSameFile(path, image.path))) {
    throw invalid("another file than the picture itself", JSON.stringify(path));
  }
  const drawn =
    format === "svg" ? await renderSVG(annotation, image, options) : await render(annotation, image, format, options);
  if (signal?.aborted) {
    throw new GlipError("cancelled", "The drawing was cancelled by its signal.", {}, { cause: signal.reason });
  }
  await replaceFile(path, drawn);
  return path;
}

/**
 * Whether a drawing can go there, as far as that is known before the work is done.
 * @throws GlipError `invalid_argument`, `file_error`
 */
export async function checkDrawingFile(file: string | URL): Promise<{ path: string; format: RasterFormat | "svg" }> {
  const path = resolve(file instanceof URL ? fileURLToPath(file) : file);
  const format = FORMATS[extname(path).toLowerCase()];
  if (format === undefined) {
    const expected = `a file ending in ${Object.keys(FORMATS).join(", ")}`;
    throw invalid(expected, JSON.stringify(basename(path)));
  }
  await checkFolder(path);
  return { path, format };
}

async function checkFolder(path: string): Promise<void> {
  const folder = dirname(path);
  try {
    if ((await stat(folder)).isDirectory()) return;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ENOENT") throw cannotWrite(path, messageOf(cause), cause);
    throw cannotWrite(path, `the folder ${folder} does not exist; make it first`, cause);
  }
  throw cannotWrite(path, `${folder} is not a folder`);
}

async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const part = join(dirname(path), `.${basename(path)}.${randomUUID()}.part`);
  try {
    await writeFile(part, content, { flag: "wx" });
    await rename(part, path);
  } catch (cause) {
    await rm(part, { force: true });
    if (!FULL.includes((cause as NodeJS.ErrnoException).code ?? "")) throw cannotWrite(path, messageOf(cause), cause);
    const text = `The disk that holds ${path} is full (${content.length} bytes needed). Free some space and save again.`;
    throw new GlipError("disk_full", text, { path, needed: content.length, free: undefined }, { cause });
  }
}

async function isSameFile(a: string, b: string): Promise<boolean> {
  try {
    return (await realpath(a)) === (await realpath(b));
  } catch {
    return false;
  }
}

function cannotWrite(path: string, reason: string, cause?: unknown): GlipError<"file_error"> {
  return new GlipError("file_error", `Cannot write ${path}: ${reason}.`, { path, reason }, { cause });
}

function invalid(expected: string, received: string): GlipError<"invalid_argument"> {
  const text = `file: expected ${expected}, got ${received}`;
  return new GlipError("invalid_argument", text, { path: "file", expected, received });
}
