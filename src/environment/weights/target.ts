import { join } from "node:path";

import { GlipError } from "../../errors.ts";
import { zoo, type ZooEntry, zooEntry } from "./zoo.ts";

const EXTENSIONS = "pth, pt, bin, ckpt or safetensors";
const FILE_NAME = /^[A-Za-z0-9_][\w.+-]*\.(pth|pt|bin|ckpt|safetensors)$/;

/** What is to be on this machine, and what is known of it beforehand. */
export interface WeightsTarget {
  /** A name of the zoo; for an address of the user's, the file's name. */
  name: string;
  file: string;
  /** Null when it can only come from a file that the user has; `unavailable` says why. */
  url: string | null;
  unavailable?: string | undefined;
  size: number | null;
  sha256: string | null;
}

/** The folder that holds weights and what is known of them. */
export function weightsDirectory(home: string): string {
  return join(home, "weights");
}

/**
 * What a name of the zoo or an address stands for. The address of a zoo file on another host keeps that file's name and
 * sums. Throws `invalid_argument` for an unknown name and an address that names no weight file.
 */
export function weightsTarget(source: string): WeightsTarget {
  const entry = zooEntry(source);
  if (entry) return ofEntry(entry);
  const url = /^https?:\/\//i.test(source) && URL.canParse(source) ? fileAddress(new URL(source)) : undefined;
  if (url === undefined)
    throw refused(`a name (${zoo.map(({ name }) => name).join(", ")}) or an http(s) address`, source);
  const file = url.pathname.split("/").at(-1) ?? "";
  if (!FILE_NAME.test(file)) throw refused(`the address of a file that ends with ${EXTENSIONS}`, source);
  const known = zoo.find((candidate) => candidate.file === file);
  if (known) return { ...ofEntry(known), url: url.href, unavailable: undefined };
  return { name: file, file, url: url.href, size: null, sha256: null };
}

/** The file of a name: the zoo's, or the name itself when it is that of a file. Throws `invalid_argument`. */
export function weightsFile(name: string): string {
  const file = zooEntry(name)?.file ?? name;
  if (!FILE_NAME.test(file))
    throw refused(`a name (${zoo.map((entry) => entry.name).join(", ")}) or a file's name`, name);
  return file;
}

function ofEntry({ name, file, url, unavailable, size, sha256 }: ZooEntry): WeightsTarget {
  return { name, file, url, unavailable, size, sha256 };
}

/** Hugging Face shows a page about the file at /blob/; the file itself lies at /resolve/. */
function fileAddress(url: URL): URL {
  if (url.hostname === "huggingface.co")
    url.pathname = url.pathname.replace(/^(\/[^/]+\/[^/]+)\/blob\//, "$1/resolve/");
  return url;
}

function refused(expected: string, received: string): GlipError {
  const path = "source";
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
