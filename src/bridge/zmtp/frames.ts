import { Buffer } from "node:buffer";
import { ZmtpFault } from "./fault.ts";

/** The bits of a frame's first byte (RFC 37, "flags"); the others are reserved and must be 0. */
export const frameFlag = { more: 1, long: 2, command: 4 } as const;

/** A command carries names and a few keys; the longest of them, INITIATE and READY, stay under 1 KiB. */
export const maxCommandBytes = 65536;

/** From here on memory comes unzeroed and unpooled, because clearing it costs as much as filling it. */
const unzeroedFromBytes = 4096;

/** Memory of its own for one frame. May hold old bytes of this process: fill all of it. */
export function frameMemory(bytes: number): Uint8Array {
  if (bytes < unzeroedFromBytes) return new Uint8Array(bytes);
  const memory = Buffer.allocUnsafeSlow(bytes);
  return new Uint8Array(memory.buffer, memory.byteOffset, bytes);
}

export function headerBytes(bodyBytes: number): number {
  return bodyBytes > 255 ? 9 : 2;
}

/** Writes a frame header at `offset` and returns the offset behind it. */
export function writeHeader(target: Uint8Array, offset: number, flags: number, bodyBytes: number): number {
  if (bodyBytes <= 255) {
    target[offset] = flags;
    target[offset + 1] = bodyBytes;
    return offset + 2;
  }
  target[offset] = flags | frameFlag.long;
  const view = new DataView(target.buffer, target.byteOffset + offset, 9);
  view.setUint32(1, Math.floor(bodyBytes / 2 ** 32));
  view.setUint32(5, bodyBytes >>> 0);
  return offset + 9;
}

/**
 * Cuts a stream into frames. Every body is allocated once, at its size and after that size was checked, and filled in
 * place; nothing keeps a reference to the chunks that were pushed.
 */
export class FrameParser {
  /** Largest body accepted, in bytes; for commands it is `maxCommandBytes` if that is less. */
  maxBodyBytes: number;
  readonly #onFrame: (flags: number, body: Uint8Array) => void;
  readonly #header = new Uint8Array(9);
  readonly #headerView = new DataView(this.#header.buffer);
  #headerFilled = 0;
  #body: Uint8Array | undefined;
  #filled = 0;
  #stopped = false;

  constructor(maxBodyBytes: number, onFrame: (flags: number, body: Uint8Array) => void) {
    this.maxBodyBytes = maxBodyBytes;
    this.#onFrame = onFrame;
  }

  /** Ignores everything from now on, also the rest of a chunk that is being pushed. */
  stop(): void {
    this.#stopped = true;
    this.#body = undefined;
  }

  /** @throws ZmtpFault on reserved flags and on sizes over the limit; whatever `onFrame` throws */
  push(chunk: Uint8Array): void {
    let offset = 0;
    while (offset < chunk.length && !this.#stopped) {
      if (this.#body === undefined) {
        offset = this.#readHeader(chunk, offset);
      } else {
        const taken = Math.min(this.#body.length - this.#filled, chunk.length - offset);
        // A chunk that is a Buffer of Deno or Bun copies fastest through its own subarray.
        this.#body.set(taken === chunk.length ? chunk : chunk.subarray(offset, offset + taken), this.#filled);
        this.#filled += taken;
        offset += taken;
      }
      if (this.#body !== undefined && this.#filled === this.#body.length) this.#deliver(this.#body);
    }
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let offset = from;
    const header = this.#header;
    let needed = this.#headerFilled === 0 ? 2 : this.#headerLength();
    while (this.#headerFilled < needed && offset < chunk.length) {
      header[this.#headerFilled++] = chunk[offset++] ?? 0;
      if (this.#headerFilled === 1) {
        this.#checkFlags(header[0] ?? 0);
        needed = this.#headerLength();
      }
    }
    if (this.#headerFilled === needed) this.#allocate();
    return offset;
  }

  #headerLength(): number {
    return ((this.#header[0] ?? 0) & frameFlag.long) === 0 ? 2 : 9;
  }

  #checkFlags(flags: number): void {
    if ((flags & 0xf8) !== 0) throw new ZmtpFault("the peer set reserved bits in a frame header");
    if ((flags & frameFlag.command) !== 0 && (flags & frameFlag.more) !== 0) {
      throw new ZmtpFault("the peer sent a command that announces more frames");
    }
  }

  #allocate(): void {
    const flags = this.#header[0] ?? 0;
    const isLong = (flags & frameFlag.long) !== 0;
    const size = isLong
      ? this.#headerView.getUint32(1) * 2 ** 32 + this.#headerView.getUint32(5)
      : (this.#header[1] ?? 0);
    const limit = (flags & frameFlag.command) === 0 ? this.maxBodyBytes : Math.min(this.maxBodyBytes, maxCommandBytes);
    if (size > limit) throw new ZmtpFault(`the peer announced a frame of ${size} bytes, at most ${limit} are accepted`);
    this.#headerFilled = 0;
    this.#filled = 0;
    try {
      this.#body = frameMemory(size);
    } catch (cause) {
      throw new ZmtpFault(`there is no memory for a frame of ${size} bytes`, "connection_lost", cause);
    }
  }

  #deliver(body: Uint8Array): void {
    this.#body = undefined;
    this.#onFrame((this.#header[0] ?? 0) & (frameFlag.more | frameFlag.command), body);
  }
}
