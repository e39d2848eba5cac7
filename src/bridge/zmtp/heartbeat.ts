import { asciiBytes, concat, encodeCommand } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";

/** The context that a PING may carry at most (RFC 37, "ping-context"). */
const maxContextBytes = 16;

/**
 * How many of its own timeouts a silent client asks the peer to bear. The peer must not give up on a client whose event
 * loop is merely busy; a client that is gone is noticed by its closed socket.
 */
const ttlFactor = 10;

export interface HeartbeatOptions {
  /** 0: no heartbeat. */
  intervalMs: number;
  timeoutMs: number;
  sendCommand(body: Uint8Array): void;
  onSilent(fault: ZmtpFault): void;
}

/**
 * Asks the peer for a sign of life every interval and reports it silent after the timeout. What counts is ticks of this
 * side's event loop in which nothing came, not time on the clock: while our own loop is blocked no tick passes, so
 * that our own pause is never taken for the peer's.
 */
export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #ping: Uint8Array;
  #allowedTicks: number;
  #silentTicks = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#allowedTicks = Math.ceil(options.timeoutMs / options.intervalMs);
    const deciseconds = Math.min(Math.ceil((options.timeoutMs * ttlFactor) / 100), 65535);
    this.#ping = encodeCommand("PING", Uint8Array.of(deciseconds >> 8, deciseconds & 255));
  }

  start(): void {
    if (this.#options.intervalMs === 0) return;
    this.#timer = setInterval(() => this.#tick(), this.#options.intervalMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  /** Something came from the peer, or the peer took something that had waited. */
  heard(): void {
    this.#silentTicks = 0;
  }

  /** Answers a PING with its context, and takes its time to live: how long the peer may then be silent at most. */
  answer(ping: Uint8Array): void {
    if (ping.length < 2 || ping.length > 2 + maxContextBytes) throw new ZmtpFault("the peer sent a malformed PING");
    const ttlMs = (((ping[0] ?? 0) << 8) | (ping[1] ?? 0)) * 100;
    if (ttlMs > 0) this.#allowedTicks = Math.min(this.#allowedTicks, Math.ceil(ttlMs / this.#options.intervalMs));
    this.#options.sendCommand(concat(Uint8Array.of(4), asciiBytes("PONG"), ping.subarray(2)));
  }

  #tick(): void {
    if (this.#silentTicks >= this.#allowedTicks) {
      const silentMs = this.#silentTicks * this.#options.intervalMs;
      this.#options.onSilent(new ZmtpFault(`the peer gave no sign of life for ${silentMs} ms`));
      return;
    }
    this.#silentTicks++;
    this.#options.sendCommand(this.#ping);
  }
}
