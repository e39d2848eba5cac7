import { existsSync, statSync } from "node:fs";
import { basename, extname, join, resolve } from "node:path";
import { GlipError } from "../errors.ts";
import type { ImageInput } from "../images/source.ts";

/** A picture that was named on the command line. */
export interface NamedPicture {
  /** How the user calls it. */
  name: string;
  /** `-` is read when it is asked for. */
  image: () => Promise<ImageInput>;
  /** Where its drawing goes. */
  save: string | undefined;
}

/**
 * @param names paths, URLs, or `-` for the bytes on stdin
 * @param save the file of the one drawing, or a folder that is there: a PNG for each picture is made in it
 * @throws GlipError `invalid_argument`
 */
export function namedPictures(names: readonly string[], save: string | undefined): NamedPicture[] {
  if (names.filter((name) => name === "-").length > 1)
    throw invalid("PICTURE", "stdin (-) at most once", "it more than once");
  const folder = save !== undefined && existsSync(save) && statSync(save).isDirectory();
  if (save !== undefined && !folder && names.length > 1)
    throw invalid("--save", `a folder that is there, for ${names.length} pictures`, JSON.stringify(save));
  const taken = new Set<string>();
  return names.map((name): NamedPicture => {
    const image = (): Promise<ImageInput> => (name === "-" ? readStdin() : Promise.resolve(inputOf(name)));
    const file = folder ? join(save, drawingName(name, taken)) : save;
    return { name: name === "-" ? "stdin" : name, image, save: file };
  });
}

/** `street.jpg` becomes `street.boxes.png`; of two with one name, the second `street.2.boxes.png`. */
function drawingName(name: string, taken: Set<string>): string {
  const file = name === "-" ? "stdin" : basename(isUrl(name) ? new URL(name).pathname : resolve(name));
  const stem = basename(file, extname(file)) || "picture";
  let count = 1;
  let found = `${stem}.boxes.png`;
  while (taken.has(found)) found = `${stem}.${++count}.boxes.png`;
  taken.add(found);
  return found;
}

function inputOf(name: string): ImageInput {
  return isUrl(name) ? new URL(name) : name;
}

function isUrl(name: string): boolean {
  return /^(https?:\/\/|file:\/\/|data:)/i.test(name) && URL.canParse(name);
}

async function readStdin(): Promise<Uint8Array> {
  if (process.stdin.isTTY) throw invalid("PICTURE", "a picture on stdin (glip detect - … < picture.jpg)", "a terminal");
  const chunks: Uint8Array[] = [];
  for await (const chunk of process.stdin as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
