import { ZmtpFault } from "./fault.ts";
import { frameFlag } from "./frames.ts";

/** Frames that one message may have. */
export const maxFramesPerMessage = 4096;

/** Bytes that one message may have, in multiples of the largest frame. */
const maxFrameMultiple = 4;

/** Collects the frames of a message, in bounds, so that a peer cannot make this side hold memory without end. */
export class MessageAssembler {
  readonly #maxBytes: number;
  #frames: Uint8Array[] = [];
  #bytes = 0;

  constructor(maxFrameBytes: number) {
    this.#maxBytes = maxFrameBytes * maxFrameMultiple;
  }

  /**
   * Returns the whole message when this frame is its last.
   *
   * @throws ZmtpFault when the message is over its bounds
   */
  add(flags: number, body: Uint8Array): Uint8Array[] | undefined {
    const frames = this.#frames;
    frames.push(body);
    this.#bytes += body.length;
    if (this.#bytes > this.#maxBytes)
      throw new ZmtpFault(`the peer sent a message of more than ${this.#maxBytes} bytes`);
    if ((flags & frameFlag.more) === 0) {
      this.#frames = [];
      this.#bytes = 0;
      return frames;
    }
    if (frames.length >= maxFramesPerMessage) {
      throw new ZmtpFault(`the peer sent a message of more than ${maxFramesPerMessage} frames`);
    }
    return undefined;
  }
}
