import { accessSync, constants, statSync } from "node:fs";
import { GlipError, messageOf } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

/**
 * Sees that a dataset's file and folder are there and can be read; what is in them is the worker's to judge.
 *
 * @param path how the caller knows the dataset, e.g. `options.train[0]`
 * @throws GlipError `file_error`
 */
export function checkDatasetFiles({ annotations, images }: Dataset, path: string): void {
  checkFile(annotations, `${path}.annotations`);
  check(images, "folder", `${path}.images`);
}

/** Sees that a file is there and can be read; `path` is how the caller knows it. @throws GlipError `file_error` */
export function checkFile(file: string, path: string): void {
  check(file, "file", path);
}

function check(file: string, wanted: "file" | "folder", path: string): void {
  const found = problem(file, wanted);
  if (found === undefined) return;
  const { reason, cause } = found;
  const text = `${path}: expected a ${wanted} that can be read, got ${file}: ${reason}`;
  throw new GlipError("file_error", text, { path: file, reason }, cause === undefined ? {} : { cause });
}

function problem(file: string, wanted: "file" | "folder"): { reason: string; cause?: unknown } | undefined {
  try {
    const found = statSync(file);
    if (wanted === "file" && !found.isFile())
      return { reason: found.isDirectory() ? "it is a folder" : "it is no file" };
    if (wanted === "folder" && !found.isDirectory()) return { reason: "it is not a folder" };
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === "ENOENT";
    return { reason: missing ? "it does not exist" : messageOf(cause), cause };
  }
}
