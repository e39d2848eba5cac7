import { poly1305 } from "@noble/ciphers/_poly1305.js";
import { salsa20 } from "@noble/ciphers/salsa.js";
import { equalBytes } from "@noble/ciphers/utils.js";
import { deriveKey, tagBytes } from "./box.ts";
import { asciiBytes, concat } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";
import { frameFlag, frameMemory, headerBytes, writeHeader } from "./frames.ts";
import type { PlainFrame } from "./mechanism.ts";

/**
 * The MESSAGE command of CURVE (RFC 26): `7 "MESSAGE" nonce(8) box`, the box over one byte of flags and the frame.
 *
 * Two facts make it cheap. All nonces of a direction share their first 16 bytes, so XSalsa20's derived key is computed
 * once. And crypto_box starts its key stream 32 bytes before the plain text, which is exactly the room that name, nonce
 * and tag take in front of the box: both directions work in place, in the one buffer that holds the frame.
 */
const nameBytes = 8;
const nonceOffset = nameBytes;
const tagOffset = nonceOffset + 8;
const boxOffset = tagOffset + tagBytes;
const messageName = concat(Uint8Array.of(7), asciiBytes("MESSAGE"));
const payloadFlag = { more: 1, command: 2 } as const;

/** Name, nonce, tag and flags. */
export const messageOverheadBytes = boxOffset + 1;

/** Seals the frames of one direction. `takeNonce` gives a number that was never given before. */
export class MessageSealer {
  readonly #key: Uint8Array;
  readonly #takeNonce: () => Uint8Array;

  constructor(sharedKey: Uint8Array, noncePrefix: string, takeNonce: () => Uint8Array) {
    this.#key = deriveKey(sharedKey, asciiBytes(noncePrefix));
    this.#takeNonce = takeNonce;
  }

  /** A whole frame for the wire, header included. */
  seal(flags: number, body: Uint8Array): Uint8Array {
    const sealedBytes = messageOverheadBytes + body.length;
    const header = headerBytes(sealedBytes);
    // Salsa20 works on 32-bit words: the sealed part starts at a multiple of 16, the header right before it.
    const memory = frameMemory(16 + sealedBytes);
    const sealed = memory.subarray(16);
    sealed.fill(0, 0, boxOffset);
    sealed[boxOffset] =
      (flags & frameFlag.more ? payloadFlag.more : 0) | (flags & frameFlag.command ? payloadFlag.command : 0);
    sealed.set(body, messageOverheadBytes);
    const nonce = this.#takeNonce();
    salsa20(this.#key, nonce, sealed, sealed);
    const tag = poly1305(sealed.subarray(boxOffset), sealed.slice(0, 32));
    sealed.set(messageName, 0);
    sealed.set(nonce, nonceOffset);
    sealed.set(tag, tagOffset);
    writeHeader(memory, 16 - header, 0, sealedBytes);
    return memory.subarray(16 - header);
  }
}

/** Opens the frames of the other direction, in place. */
export class MessageOpener {
  readonly #key: Uint8Array;
  #lastNonce: bigint;

  /** `lastNonce` is what the peer used in the handshake: nonces only ever grow (RFC 26, "Nonces"). */
  constructor(sharedKey: Uint8Array, noncePrefix: string, lastNonce: bigint) {
    this.#key = deriveKey(sharedKey, asciiBytes(noncePrefix));
    this.#lastNonce = lastNonce;
  }

  /** @throws ZmtpFault when the frame was not sealed with this session's key, or not after the last one */
  open(frame: Uint8Array): PlainFrame {
    if (frame.length < messageOverheadBytes || !equalBytes(frame.subarray(0, nameBytes), messageName)) {
      throw new ZmtpFault("the peer sent a frame that is no CURVE message");
    }
    const counter = readNonce(frame, nonceOffset);
    if (counter <= this.#lastNonce) throw new ZmtpFault("the peer sent a CURVE message again or out of order");
    this.#lastNonce = counter;
    const nonce = frame.slice(nonceOffset, tagOffset);
    const tag = frame.slice(tagOffset, boxOffset);
    const tagKey = salsa20(this.#key, nonce, new Uint8Array(32));
    if (!equalBytes(tag, poly1305(frame.subarray(boxOffset), tagKey))) {
      throw new ZmtpFault("the peer sent a CURVE message that was not sealed with this session's key");
    }
    salsa20(this.#key, nonce, frame, frame);
    const payloadFlags = frame[boxOffset] ?? 0;
    if ((payloadFlags & ~(payloadFlag.more | payloadFlag.command)) !== 0) {
      throw new ZmtpFault("the peer set reserved bits in a CURVE message");
    }
    // The flags byte leaves the content at an odd offset; moved by one it is aligned for every element type.
    frame.copyWithin(boxOffset, messageOverheadBytes);
    frame.fill(0, 0, boxOffset);
    return {
      flags:
        (payloadFlags & payloadFlag.more ? frameFlag.more : 0) |
        (payloadFlags & payloadFlag.command ? frameFlag.command : 0),
      body: frame.subarray(boxOffset, frame.length - 1),
    };
  }
}

export function readNonce(bytes: Uint8Array, offset: number): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset + offset, 8).getBigUint64(0);
}
