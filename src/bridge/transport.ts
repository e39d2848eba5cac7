import type { Logger } from "../logger.ts";

/** CURVE keys of a client, each 40 characters of Z85 (RFC 32). */
export interface CurveKeys {
  serverKey: string;
  publicKey: string;
  secretKey: string;
}

export interface TransportOptions {
  /** `ipc:///path` or `tcp://host:port`. */
  endpoint: string;
  /** @default none: the NULL mechanism, for private local sockets only */
  curve?: CurveKeys;
  /** Largest frame accepted, in bytes. @default 1 GiB */
  maxFrameBytes?: number;
  /** How long connecting and the security handshake may take. @default 2000 */
  handshakeTimeoutMs?: number;
  /** How often the peer is asked for a sign of life. 0 turns it off. @default 500 */
  heartbeatIntervalMs?: number;
  /** How long the peer may be silent before the connection counts as lost. @default 3000 */
  heartbeatTimeoutMs?: number;
  logger?: Logger;
}

export interface TransportHandlers {
  /** One whole message. Each frame is a view of its own ArrayBuffer that nobody else writes to, or a copy. */
  onMessage(frames: Uint8Array[]): void;
  /**
   * Called once when the connection is gone for good, never after `close()`.
   * `connection_lost`: it broke, the peer fell silent, or a frame exceeded `maxFrameBytes` (`cause` says which).
   */
  onDown(error: Error): void;
}

/**
 * One connection to one worker: a ZeroMQ DEALER that never reconnects by itself, because a reply to a lost connection
 * never comes. `open` resolves when the security handshake is done and rejects with a GlipError of code
 * `connection_refused`, `unauthorized`, `connection_lost` or `transport_unavailable`.
 */
export interface Transport {
  readonly name: "zeromq" | "zmtp";
  /**
   * Sends one message. Concurrent sends are queued in order. Resolves when more may be sent (back-pressure), not when
   * it arrived. Frames must not be changed before the peer has answered: they are sent without a copy.
   */
  send(frames: readonly Uint8Array[]): Promise<void>;
  /** Idempotent. Drops what has not been sent yet. */
  close(): void;
}

export type OpenTransport = (options: TransportOptions, handlers: TransportHandlers) => Promise<Transport>;

export const transportDefaults = {
  maxFrameBytes: 2 ** 30,
  handshakeTimeoutMs: 2000,
  heartbeatIntervalMs: 500,
  heartbeatTimeoutMs: 3000,
} as const;
