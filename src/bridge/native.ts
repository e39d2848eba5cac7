import type { Dealer } from "zeromq";
import { messageOf } from "../errors.ts";
import {
  connectionLost,
  connectionRefused,
  emptyMessage,
  handlerFailed,
  transportClosed,
  transportUnavailable,
  unauthorized,
} from "./failures.ts";
import { resolveTransportOptions, type ResolvedTransportOptions } from "./options.ts";
import { SendQueue } from "./send-queue.ts";
import type { OpenTransport, Transport, TransportHandlers } from "./transport.ts";

/** The npm package, loaded when it is first needed: its add-on may not exist for this machine. */
type ZeroMq = typeof import("zeromq");

/** Messages that libzmq queues in each direction. Low, because one message may be hundreds of megabytes. */
const highWaterMark = 64;

/** How long a lost connection must have brought nothing: its last messages may be reported after its end. */
const drainMs = 5;

/**
 * Never, in practice: a reply to a lost connection never comes, so a new one is of no use. libzmq's own word for never,
 * -1, makes it throw away what the lost connection brought last, such as the worker's goodbye.
 */
const noReconnectMs = 2 ** 31 - 1;

/** @throws GlipError `transport_unavailable` with the reason as `cause` */
export async function loadZeroMq(): Promise<ZeroMq> {
  try {
    return await import("zeromq");
  } catch (cause) {
    throw transportUnavailable("zeromq", `its native add-on did not load (${messageOf(cause)})`, cause);
  }
}

/** Opens a DEALER of libzmq, through the npm package zeromq. The contract is `Transport`'s. */
export const openNative: OpenTransport = async (options, handlers) => {
  const resolved = resolveTransportOptions(options);
  const zeromq = await loadZeroMq();
  return new Promise((resolve, reject) => {
    new NativeDealer(newSocket(zeromq, resolved), resolved, handlers, resolve, reject);
  });
};

function newSocket(zeromq: ZeroMq, options: ResolvedTransportOptions): Dealer {
  const { curve, heartbeatIntervalMs, heartbeatTimeoutMs } = options;
  const heartbeat = {
    heartbeatInterval: heartbeatIntervalMs,
    heartbeatTimeout: heartbeatTimeoutMs,
    heartbeatTimeToLive: heartbeatTimeoutMs,
  };
  return new zeromq.Dealer({
    linger: 0,
    sendHighWaterMark: highWaterMark,
    receiveHighWaterMark: highWaterMark,
    maxMessageSize: options.maxFrameBytes,
    reconnectInterval: noReconnectMs,
    // The timer of this file ends the handshake; a second one in libzmq would hang up first, now and then.
    handshakeInterval: 0,
    ...(heartbeatIntervalMs === 0 ? {} : heartbeat),
    ...(curve && { curveServerKey: curve.serverKey, curvePublicKey: curve.publicKey, curveSecretKey: curve.secretKey }),
  });
}

type Stage = "connecting" | "handshake" | "open" | "closed";

class NativeDealer implements Transport {
  readonly name = "zeromq";
  readonly #socket: Dealer;
  readonly #options: ResolvedTransportOptions;
  readonly #handlers: TransportHandlers;
  readonly #opened: (transport: Transport) => void;
  readonly #refused: (error: Error) => void;
  readonly #handshakeTimer: NodeJS.Timeout;
  readonly #queue: SendQueue;
  #stage: Stage = "connecting";
  #received = 0;

  constructor(
    socket: Dealer,
    options: ResolvedTransportOptions,
    handlers: TransportHandlers,
    opened: (transport: Transport) => void,
    refused: (error: Error) => void,
  ) {
    this.#socket = socket;
    this.#options = options;
    this.#handlers = handlers;
    this.#opened = opened;
    this.#refused = refused;
    // libzmq takes the frames as they are; its types ask for a mutable array that it does not change.
    this.#queue = new SendQueue((frames) => socket.send(frames as Uint8Array[]));
    this.#handshakeTimer = setTimeout(() => this.#onHandshakeTimeout(), options.handshakeTimeoutMs);
    this.#watch();
    try {
      socket.connect(options.endpoint);
    } catch (cause) {
      this.#down(connectionRefused(options.endpoint, messageOf(cause), cause));
    }
  }

  send(frames: readonly Uint8Array[]): Promise<void> {
    return frames.length === 0 ? Promise.reject(emptyMessage()) : this.#queue.send(frames);
  }

  close(): void {
    this.#shut(transportClosed());
  }

  /** libzmq tells what happens to a connection only through its monitor. */
  #watch(): void {
    const { endpoint } = this.#options;
    const events = this.#socket.events;
    events.on("connect", () => {
      if (this.#stage === "connecting") this.#stage = "handshake";
    });
    events.on("handshake", () => this.#onHandshake());
    events.on("handshake:error:auth", ({ error }) => this.#down(unauthorized(endpoint, messageOf(error), error)));
    events.on("handshake:error:protocol", ({ error }) => this.#down(unauthorized(endpoint, messageOf(error), error)));
    events.on("handshake:error:other", ({ error }) => this.#onDisconnect(messageOf(error), error));
    events.on("disconnect", () =>
      this.#onDisconnect("the peer closed it, fell silent, or sent a frame over the limit"),
    );
    events.on("close", () => this.#onDisconnect("the connection was closed"));
  }

  #onHandshake(): void {
    if (this.#stage === "open" || this.#stage === "closed") return;
    clearTimeout(this.#handshakeTimer);
    this.#stage = "open";
    void this.#receive();
    this.#opened(this);
  }

  #onDisconnect(reason: string, cause?: unknown): void {
    const { endpoint } = this.#options;
    if (this.#stage === "connecting") this.#down(connectionRefused(endpoint, reason, cause));
    // A server that does not know the client's key, or wants another mechanism, may just hang up.
    else if (this.#stage === "handshake") this.#down(unauthorized(endpoint, `${reason} during the handshake`, cause));
    else this.#drain(() => this.#down(connectionLost(endpoint, reason, cause)));
  }

  /** What came before the end of the connection still waits in libzmq: take it first. */
  #drain(done: () => void): void {
    const before = this.#received;
    setTimeout(() => {
      // Once more past the sockets, in case that something else kept this thread busy meanwhile.
      setImmediate(() => {
        if (this.#received === before) done();
        else this.#drain(done);
      });
    }, drainMs);
  }

  #onHandshakeTimeout(): void {
    const { endpoint, handshakeTimeoutMs, curve } = this.#options;
    const within = `within ${handshakeTimeoutMs} ms`;
    if (this.#stage === "connecting")
      this.#down(connectionRefused(endpoint, `nothing accepted the connection ${within}`));
    else if (curve === undefined)
      this.#down(connectionLost(endpoint, `the peer did not say that it speaks ZMTP ${within}`));
    else this.#down(unauthorized(endpoint, `the peer did not finish the handshake ${within}`));
  }

  /** The one receive loop of this socket; a second `receive` at a time is an error of the add-on. */
  async #receive(): Promise<void> {
    try {
      while (this.#stage === "open") {
        const frames: Uint8Array[] = await this.#socket.receive();
        // The socket may have been closed in the meantime.
        if ((this.#stage as Stage) === "closed") return;
        this.#received++;
        for (let index = 0; index < frames.length; index++) frames[index] = owned(frames[index]);
        this.#handlers.onMessage(frames);
      }
    } catch (error) {
      this.#down(handlerFailed(this.#options.endpoint, error));
    }
  }

  #down(error: Error): void {
    const stage = this.#stage;
    if (!this.#shut(error)) return;
    this.#options.logger.debug(error.message);
    if (stage === "open") this.#handlers.onDown(error);
    else this.#refused(error);
  }

  /** Ends everything; false when it was over already. */
  #shut(reason: Error): boolean {
    if (this.#stage === "closed") return false;
    this.#stage = "closed";
    clearTimeout(this.#handshakeTimer);
    this.#queue.stop(reason);
    this.#socket.close();
    return true;
  }
}

/** Frames over 128 bytes come in memory of their own; smaller ones may share it and lie anywhere in it: copied. */
function owned(frame: Uint8Array | undefined): Uint8Array {
  if (frame === undefined) return new Uint8Array(0);
  const { buffer, byteOffset, byteLength } = frame;
  return byteOffset === 0 && buffer.byteLength === byteLength ? new Uint8Array(buffer) : new Uint8Array(frame);
}
