import { accessSync, constants, statSync } from "node:fs";
import { GlipError, messageOf } from "../errors.ts";
import type { Dataset } from "./dataset.ts";

type Kind = "file" | "folder";

/** Which fields of a format are paths, and to what. */
const paths: { [Format in Dataset["format"]]: Readonly<Record<string, Kind>> } = {
  coco: { annotations: "file", images: "folder" },
  lvis: { annotations: "file", images: "folder" },
  odvg: { annotations: "file", images: "folder", labels: "file" },
  mdetr: { annotations: "file", images: "folder" },
  flickr30k: { images: "folder", entities: "folder", split: "file" },
  voc: { annotations: "folder", images: "folder", split: "file" },
  yolo: { file: "file" },
  odinw: { folder: "folder" },
  scenes: { folder: "folder" },
  "coco-captions": { annotations: "file", images: "folder" },
  vqav2: { questions: "file", annotations: "file", images: "folder" },
};

/**
 * Sees that a dataset's files and folders are there and can be read; what is in them is the worker's to judge.
 *
 * @param path how the caller knows the dataset, e.g. `options.train[0]`
 * @throws GlipError `file_error`
 */
export function checkDatasetFiles(dataset: Dataset, path: string): void {
  const fields: Partial<Record<string, unknown>> = { ...dataset };
  for (const [field, kind] of Object.entries(paths[dataset.format])) {
    const found = fields[field];
    if (typeof found === "string") check(found, kind, `${path}.${field}`);
  }
}

/** Sees that a file is there and can be read; `path` is how the caller knows it. @throws GlipError `file_error` */
export function checkFile(file: string, path: string): void {
  check(file, "file", path);
}

function check(file: string, wanted: Kind, path: string): void {
  const found = problem(file, wanted);
  if (found === undefined) return;
  const { reason, cause } = found;
  const text = `${path}: expected a ${wanted} that can be read, got ${file}: ${reason}`;
  throw new GlipError("file_error", text, { path: file, reason }, cause === undefined ? {} : { cause });
}

function problem(file: string, wanted: Kind): { reason: string; cause?: unknown } | undefined {
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
