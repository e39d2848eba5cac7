import { createReadStream, createWriteStream, type WriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { once } from "node:events";
import { pipeline } from "node:stream/promises";

interface List {
  name: string;
  path: string;
  stream: WriteStream;
  items: number;
}

/**
 * Writes a JSON file `{"first": [...], "second": [...]}` item by item: a large data set's annotations do not fit into
 * one string. Each list but the first is collected in a file beside it, and appended at the end.
 */
export class JsonLists {
  readonly #path: string;
  readonly #lists: readonly List[];

  constructor(path: string, names: readonly string[]) {
    this.#path = path;
    this.#lists = names.map((name, index) => {
      const file = index === 0 ? path : `${path}.${name}`;
      const stream = createWriteStream(file);
      // Every write awaits the stream's trouble; unheard it would end the process.
      stream.on("error", () => {});
      return { name, path: file, stream, items: 0 };
    });
  }

  async add(name: string, item: object): Promise<void> {
    const list = this.#lists.find((one) => one.name === name);
    if (list === undefined) throw new Error(`${this.#path} has no list ${name}`);
    const before = list.items++ > 0 ? ",\n" : list === this.#lists[0] ? `{${JSON.stringify(name)}:[\n` : "";
    await write(list.stream, before + JSON.stringify(item));
  }

  /** @param rest further values of the file, written whole */
  async close(rest: Record<string, unknown> = {}): Promise<void> {
    const [first, ...others] = this.#lists as [List, ...List[]];
    if (first.items === 0) await write(first.stream, `{${JSON.stringify(first.name)}:[`);
    for (const { name, path, stream } of others) {
      await end(stream);
      await write(first.stream, `],\n${JSON.stringify(name)}:[\n`);
      await pipeline(createReadStream(path), first.stream, { end: false });
      await rm(path);
    }
    await write(first.stream, "]");
    for (const [name, value] of Object.entries(rest))
      await write(first.stream, `,\n${JSON.stringify(name)}:${JSON.stringify(value)}`);
    await write(first.stream, "}\n");
    await end(first.stream);
  }

  /** Ends the streams of a file that is given up. */
  destroy(): void {
    for (const { stream } of this.#lists) stream.destroy();
  }
}

async function write(stream: WriteStream, text: string): Promise<void> {
  if (stream.errored !== null) throw stream.errored;
  if (!stream.write(text)) await once(stream, "drain");
}

async function end(stream: WriteStream): Promise<void> {
  stream.end();
  if (!stream.closed) await once(stream, "close");
  if (stream.errored !== null) throw stream.errored;
}
