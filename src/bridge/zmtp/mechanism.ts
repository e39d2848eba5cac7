import type { Command } from "./commands.ts";

/** A frame as it was meant by the peer, after the mechanism took its wrapping off. */
export interface PlainFrame {
  /** `frameFlag.more` and `frameFlag.command`, nothing else. */
  flags: number;
  body: Uint8Array;
}

/** A ZMTP security mechanism, client side (RFC 37, "Security Handshake"). */
export interface Mechanism {
  readonly name: "NULL" | "CURVE";
  /** True when the handshake is done and messages may travel. */
  readonly ready: boolean;
  /** How many bytes the wrapping adds to a frame's body. */
  readonly overheadBytes: number;
  /** The body of the first command. */
  start(): Uint8Array;
  /**
   * Takes one handshake command and returns the body of the answer, if there is one.
   *
   * @throws ZmtpFault when the peer or its command cannot be accepted
   */
  advance(command: Command): Uint8Array | undefined;
  /** A whole frame for the wire, header included. Undefined when frames travel as they are. */
  readonly seal: ((flags: number, body: Uint8Array) => Uint8Array) | undefined;
  /**
   * Undoes `seal` of the peer; may write into `body`. Undefined when frames travel as they are.
   *
   * @throws ZmtpFault when the frame was not sealed by the peer, or came before
   */
  readonly unseal: ((body: Uint8Array) => PlainFrame) | undefined;
}
