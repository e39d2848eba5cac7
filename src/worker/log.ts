import * as fs from "node:fs";
import { dirname, join } from "node:path";
import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

export interface LogLine {
  stream: "stdout" | "stderr";
  text: string;
}

export const logLimits = {
  /** Lines kept for an error's `lastLogLines`. */
  lastLines: 40,
  /** A longer line is cut: a worker that prints no newline must not fill this process. */
  lineCharacters: 4096,
  /** The log file stops here. */
  fileBytes: 16 * 2 ** 20,
  /** Log files kept beside each other. */
  files: 20,
} as const;

/** What one worker process writes to stdout and stderr: as events, its last lines, and a file. */
export class WorkerLog {
  readonly file: string | undefined;
  readonly #lines: string[] = [];
  readonly #onLine: (line: LogLine) => void;
  #descriptor: number | undefined;
  #written = 0;

  /** @param directory where the log file goes; undefined: no file */
  constructor(directory: string | undefined, onLine: (line: LogLine) => void) {
    this.#onLine = onLine;
    if (directory === undefined) return;
    const file = join(directory, `worker-${new Date().toISOString().replaceAll(":", "-")}-${process.pid}.log`);
    try {
      fs.mkdirSync(dirname(file), { recursive: true });
      removeOldest(directory);
      this.#descriptor = fs.openSync(file, "a", 0o600);
      this.file = file;
    } catch {
      // A full or read-only disk must not keep the worker from starting; its last lines are still at hand.
    }
  }

  get lastLines(): string[] {
    return [...this.#lines];
  }

  /** Reads a stream of the process to its end; a `\r` ends a line too (progress bars). */
  follow(name: LogLine["stream"], source: Readable): void {
    const decoder = new StringDecoder("utf8");
    let rest = "";
    const feed = (text: string): void => {
      const lines = (rest + text).split(/\r\n|[\r\n]/);
      rest = lines.pop() ?? "";
      for (const line of lines) this.#add(name, line);
      if (rest.length > logLimits.lineCharacters) {
        this.#add(name, rest);
        rest = "";
      }
    };
    source.on("data", (chunk: Buffer) => feed(decoder.write(chunk)));
    source.on("end", () => {
      const last = rest + decoder.end();
      if (last !== "") this.#add(name, last);
    });
    source.on("error", () => {});
  }

  close(): void {
    if (this.#descriptor !== undefined) fs.closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #add(stream: LogLine["stream"], line: string): void {
    if (line === "") return;
    const text = line.length > logLimits.lineCharacters ? `${line.slice(0, logLimits.lineCharacters)}…` : line;
    this.#lines.push(text);
    if (this.#lines.length > logLimits.lastLines) this.#lines.shift();
    if (this.#descriptor !== undefined && this.#written < logLimits.fileBytes) this.#write(`${text}\n`);
    this.#onLine({ stream, text });
  }

  #write(text: string): void {
    try {
      this.#written += fs.writeSync(this.#descriptor as number, text);
    } catch {
      this.close();
    }
  }
}

function removeOldest(directory: string): void {
  const files = fs.readdirSync(directory).filter((name) => /^worker-.*\.log$/.test(name));
  for (const name of files.sort().slice(0, -logLimits.files)) fs.rmSync(join(directory, name), { force: true });
}
