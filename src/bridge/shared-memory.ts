import { randomBytes } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { GlipError, messageOf } from "../errors.ts";
import type { Tensor } from "../protocol/tensor.ts";
import type { Allocate, SegmentRange, SegmentRead } from "./codec.ts";

const write = promisify(fs.write);
const read = promisify(fs.read);

export const sharedMemoryLimits = {
  /** Tensors from here on go by shared memory: below it a frame is as fast (`npm run bench -- bridge`). */
  minBytes: 2 * 2 ** 20,
  /** All segments of one connection together; what does not fit goes as frames. */
  maxBytes: 2 ** 30,
  /** Memory of released tensors that is kept for the next ones. */
  maxIdleBytes: 512 * 2 ** 20,
} as const;

interface Segment {
  name: string;
  fd: number;
  bytes: number;
  free: boolean;
}

/** The segments that this client sends tensors in. A segment is free again when the request that named it has ended. */
export class SegmentWriter {
  readonly #directory: string;
  readonly #segments = new Map<string, Segment>();
  readonly #writing = new Set<Segment>();
  #closed = false;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** Copies a tensor into a free segment; undefined when shared memory is used up, and it must go as a frame. */
  async place(tensor: Tensor): Promise<SegmentRange | undefined> {
    const segment = this.#acquire(tensor.byteLength);
    if (segment === undefined) return undefined;
    this.#writing.add(segment);
    try {
      const { bytes } = tensor;
      for (let done = 0; done < bytes.byteLength;) {
        done += (await write(segment.fd, bytes, done, bytes.byteLength - done, done)).bytesWritten;
      }
      return { segment: segment.name, offset: 0 };
    } catch (error) {
      this.#writing.delete(segment);
      this.#remove(segment);
      // A full or limited /dev/shm (64 MB in a default container) is no reason to fail: frames still work.
      if (["ENOSPC", "EDQUOT", "EFBIG", "ENOMEM"].includes((error as NodeJS.ErrnoException).code ?? ""))
        return undefined;
      throw error;
    } finally {
      this.#writing.delete(segment);
      if (this.#closed) this.#remove(segment);
    }
  }

  free(names: Iterable<string>): void {
    for (const name of names) {
      const segment = this.#segments.get(name);
      if (segment !== undefined) segment.free = true;
    }
  }

  close(): void {
    this.#closed = true;
    for (const segment of this.#segments.values()) this.#remove(segment);
  }

  #acquire(bytes: number): Segment | undefined {
    const idle = [...this.#segments.values()].filter((segment) => segment.free);
    const fitting = idle.filter((segment) => segment.bytes >= bytes).sort((a, b) => a.bytes - b.bytes)[0];
    if (fitting !== undefined) {
      fitting.free = false;
      return fitting;
    }
    const size = 2 ** Math.ceil(Math.log2(bytes));
    if (this.#closed) return undefined;
    const used = [...this.#segments.values()].reduce((sum, segment) => sum + segment.bytes, 0);
    let excess = used + size - sharedMemoryLimits.maxBytes;
    for (const segment of idle) {
      if (excess <= 0) break;
      this.#remove(segment);
      excess -= segment.bytes;
    }
    return excess > 0 ? undefined : this.#create(size);
  }

  #create(bytes: number): Segment | undefined {
    const name = `c-${randomBytes(8).toString("hex")}`;
    let fd: number | undefined;
    try {
      fd = fs.openSync(join(this.#directory, name), "wx+", 0o600);
      fs.ftruncateSync(fd, bytes);
    } catch {
      // No room, or the directory is gone because the worker is: the frames will say so.
      if (fd !== undefined) fs.closeSync(fd);
      fs.rmSync(join(this.#directory, name), { force: true });
      return undefined;
    }
    const segment = { name, fd, bytes, free: false };
    this.#segments.set(name, segment);
    return segment;
  }

  #remove(segment: Segment): void {
    // A file descriptor closed under a running write could by then be another file's: `place` closes it afterwards.
    if (this.#writing.has(segment) || !this.#segments.delete(segment.name)) return;
    fs.closeSync(segment.fd);
    fs.rmSync(join(this.#directory, segment.name), { force: true });
  }
}

/** Without O_NONBLOCK, a FIFO would hang the open. */
const readFlags = fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK;

interface OpenSegment {
  fd: number;
  bytes: number;
  /** Reads under way. */
  readers: number;
}

/** Reads the tensors that the worker sends in segments. */
export class SegmentReader {
  readonly #directory: string;
  readonly #open = new Map<string, OpenSegment>();
  #reading = 0;
  #closed = false;
  readonly #idle: ArrayBuffer[] = [];

  constructor(directory: string) {
    this.#directory = directory;
  }

  readonly allocate: Allocate = ({ segment, offset }, bytes) => {
    const held = this.#segment(segment);
    if (offset + bytes > held.bytes)
      throw refused(segment, `holds ${held.bytes} bytes, ${offset + bytes} were announced`);
    const index = this.#idle.findIndex((buffer) => buffer.byteLength === bytes);
    const buffer = index >= 0 ? (this.#idle.splice(index, 1)[0] as ArrayBuffer) : new ArrayBuffer(bytes);
    return { buffer, onRelease: () => this.#keep(buffer) };
  };

  /** Fills the tensors, the halves of a large one side by side: fresh memory costs more than the copy itself. */
  async fill(reads: readonly SegmentRead[]): Promise<void> {
    const segments = reads.map(({ segment }) => this.#segment(segment));
    this.#reading += 1;
    for (const segment of segments) segment.readers += 1;
    try {
      const parts = reads.flatMap(({ tensor, offset }, index) => {
        const { fd } = segments[index] as OpenSegment;
        const { bytes } = tensor;
        const half = bytes.byteLength >> 1;
        return [readAll(fd, bytes.subarray(0, half), offset), readAll(fd, bytes.subarray(half), offset + half)];
      });
      const failed = (await Promise.allSettled(parts)).find((part) => part.status === "rejected");
      if (failed !== undefined) throw failed.reason;
    } finally {
      for (const segment of segments) segment.readers -= 1;
      this.#reading -= 1;
      if (this.#closed) this.close();
    }
  }

  close(): void {
    this.#closed = true;
    this.#idle.length = 0;
    // A file descriptor closed under a running read could by then be another file's.
    if (this.#reading > 0) return;
    for (const { fd } of this.#open.values()) fs.closeSync(fd);
    this.#open.clear();
  }

  #segment(name: string): OpenSegment {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    this.#forgetUnlinked();
    if (this.#open.size >= 256) throw refused(name, "is one more than the 256 that a worker may use");
    let fd: number;
    try {
      fd = fs.openSync(join(this.#directory, name), readFlags);
    } catch (error) {
      throw refused(name, messageOf(error));
    }
    const stat = fs.fstatSync(fd);
    if (!stat.isFile()) {
      fs.closeSync(fd);
      throw refused(name, "is not a regular file");
    }
    const opened = { fd, bytes: stat.size, readers: 0 };
    this.#open.set(name, opened);
    return opened;
  }

  /** A file that the worker removed holds its memory until the last descriptor is closed. */
  #forgetUnlinked(): void {
    for (const [name, { fd, readers }] of this.#open) {
      if (readers > 0 || fs.fstatSync(fd).nlink > 0) continue;
      fs.closeSync(fd);
      this.#open.delete(name);
    }
  }

  #keep(buffer: ArrayBuffer): void {
    this.#idle.push(buffer);
    let kept = this.#idle.reduce((sum, { byteLength }) => sum + byteLength, 0);
    while (kept > sharedMemoryLimits.maxIdleBytes) kept -= (this.#idle.shift() as ArrayBuffer).byteLength;
  }
}

async function readAll(fd: number, target: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < target.byteLength;) {
    const { bytesRead } = await read(fd, target, done, target.byteLength - done, position + done);
    if (bytesRead === 0) throw refused(String(fd), "ended early");
    done += bytesRead;
  }
}

function refused(segment: string, reason: string): GlipError<"invalid_message"> {
  const text = `shared memory segment ${segment}: ${reason}`;
  return new GlipError("invalid_message", `The worker sent a message that does not fit the protocol: ${text}`, {
    reason: text,
  });
}
