import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";

import { z } from "zod";

const schema = z.object({
  url: z.string(),
  /** What tells this version of the file from another: a strong ETag, else the time of its last change. */
  validator: z.string().nullable(),
  total: z.int().nonnegative().nullable(),
  /** The sum that the host sent along. */
  sha256: z.string().nullable(),
});

/** What is known of the file of which a part is here. */
export type PartState = z.infer<typeof schema>;

/** A download's first bytes, `<file>.part`, and beside it in `<file>.part.json` what they are the first bytes of. */
export class Part {
  readonly path: string;
  /** How often it was begun from its first byte. */
  begins = 0;

  constructor(file: string) {
    this.path = `${file}.part`;
  }

  /** How many bytes can be built on, and of what; 0 when they are of another address, or of an unknown version. */
  read(url: string): { bytes: number; state: PartState | undefined } {
    try {
      const state = schema.parse(JSON.parse(readFileSync(`${this.path}.json`, "utf8")));
      if (state.url !== url || state.validator === null) return { bytes: 0, state: undefined };
      return { bytes: statSync(this.path).size, state };
    } catch {
      return { bytes: 0, state: undefined };
    }
  }

  begin(state: PartState): void {
    this.begins += 1;
    rmSync(this.path, { force: true });
    const draft = `${this.path}.json.tmp`;
    writeFileSync(draft, JSON.stringify(state));
    renameSync(draft, `${this.path}.json`);
  }

  /** The part is whole: it takes its place. */
  finish(file: string): void {
    renameSync(this.path, file);
    this.discard();
  }

  discard(): void {
    rmSync(this.path, { force: true });
    rmSync(`${this.path}.json`, { force: true });
  }
}

/** What of a response tells its version; null when nothing does. */
export function validatorOf(headers: Headers): string | null {
  const etag = headers.get("etag");
  if (etag !== null && !etag.startsWith("W/")) return etag;
  return headers.get("last-modified");
}
