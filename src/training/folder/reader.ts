import { type FileHandle, open } from "node:fs/promises";
import { GlipError, messageOf } from "../../errors.ts";
import { type RunEvent, runEvent } from "../../protocol/run-events.ts";

const CHUNK = 2 ** 20;
const NEWLINE = 10;

/** Reads a file of events that grows: each call gives those that came since the last one. */
export class EventReader {
  readonly #file: string;
  #offset = 0;
  #lines = 0;

  constructor(file: string) {
    this.#file = file;
  }

  /** Of whole lines: the one that is being written comes with a later call. @throws GlipError `file_error` */
  async read(): Promise<RunEvent[]> {
    const handle = await open(this.#file).catch((cause: unknown) => {
      throw fileError(this.#file, messageOf(cause), cause);
    });
    try {
      return await this.#readFrom(handle);
    } finally {
      await handle.close();
    }
  }

  async #readFrom(handle: FileHandle): Promise<RunEvent[]> {
    // Another run began in the folder, and its file is another one.
    if ((await handle.stat()).size < this.#offset) this.#offset = this.#lines = 0;
    const parts: Buffer[] = [];
    for (let at = this.#offset; ;) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK), 0, CHUNK, at);
      if (bytesRead === 0) break;
      parts.push(buffer.subarray(0, bytesRead));
      at += bytesRead;
    }
    const bytes = Buffer.concat(parts);
    const whole = bytes.subarray(0, bytes.lastIndexOf(NEWLINE) + 1);
    this.#offset += whole.length;
    return whole
      .toString("utf8")
      .split("\n")
      .slice(0, -1)
      .flatMap((line) => this.#parse(line));
  }

  #parse(line: string): RunEvent[] {
    this.#lines += 1;
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      return []; // what a process was writing when it was killed
    }
    const parsed = runEvent.safeParse(value);
    if (parsed.success) return [parsed.data];
    const { path, message } = parsed.error.issues[0] as (typeof parsed.error.issues)[number];
    throw fileError(this.#file, `line ${this.#lines} is no event of a run: ${[...path, message].join(": ")}`);
  }
}

function fileError(path: string, reason: string, cause?: unknown): GlipError {
  return new GlipError("file_error", `Cannot read the events in ${path}: ${reason}`, { path, reason }, { cause });
}
