import type { Socket } from "node:net";
import { messageOf } from "../../errors.ts";
import {
  connectionLost,
  connectionRefused,
  emptyMessage,
  handlerFailed,
  transportClosed,
  unauthorized,
} from "../failures.ts";
import { resolveTransportOptions, type ResolvedTransportOptions } from "../options.ts";
import type { OpenTransport, Transport, TransportHandlers } from "../transport.ts";
import { MessageAssembler } from "./assembler.ts";
import { parseCommand } from "./commands.ts";
import { CurveMechanism } from "./curve.ts";
import { ZmtpFault } from "./fault.ts";
import { FrameParser, frameFlag, headerBytes, maxCommandBytes, writeHeader } from "./frames.ts";
import { encodeGreeting, GreetingReader } from "./greeting.ts";
import { Heartbeat } from "./heartbeat.ts";
import type { Mechanism } from "./mechanism.ts";
import { NullMechanism } from "./null.ts";
import { openStream } from "./stream.ts";
import { FrameWriter } from "./writer.ts";

/** Opens a ZMTP 3.1 DEALER (RFC 37) in plain TypeScript. The contract is `Transport`'s. */
export const openZmtp: OpenTransport = async (options, handlers) => {
  const resolved = resolveTransportOptions(options);
  return new Promise((resolve, reject) => new Dealer(resolved, handlers, resolve, reject));
};

type Stage = "connecting" | "greeting" | "handshake" | "open" | "closed";

class Dealer implements Transport {
  readonly name = "zmtp";
  readonly #options: ResolvedTransportOptions;
  readonly #handlers: TransportHandlers;
  readonly #opened: (transport: Transport) => void;
  readonly #refused: (error: Error) => void;
  readonly #mechanism: Mechanism;
  readonly #greeting: GreetingReader;
  readonly #parser: FrameParser;
  readonly #assembler: MessageAssembler;
  readonly #heartbeat: Heartbeat;
  readonly #socket: Socket;
  readonly #writer: FrameWriter;
  readonly #handshakeTimer: NodeJS.Timeout;
  #stage: Stage = "connecting";

  constructor(
    options: ResolvedTransportOptions,
    handlers: TransportHandlers,
    opened: (transport: Transport) => void,
    refused: (error: Error) => void,
  ) {
    this.#options = options;
    this.#handlers = handlers;
    this.#opened = opened;
    this.#refused = refused;
    this.#mechanism = options.curve === undefined ? new NullMechanism() : new CurveMechanism(options.curve);
    this.#greeting = new GreetingReader(this.#mechanism.name);
    // Until the peer is known it may only send commands.
    this.#parser = new FrameParser(maxCommandBytes, (flags, body) => this.#onFrame(flags, body));
    this.#assembler = new MessageAssembler(options.maxFrameBytes);
    this.#heartbeat = new Heartbeat({
      intervalMs: options.heartbeatIntervalMs,
      timeoutMs: options.heartbeatTimeoutMs,
      sendCommand: (body) => this.#writer.sendCommand(body),
      onSilent: (fault) => this.#fail(fault),
    });
    this.#handshakeTimer = setTimeout(() => this.#onHandshakeTimeout(), options.handshakeTimeoutMs);
    this.#socket = openStream(options.address, {
      onConnect: () => this.#onConnect(),
      onBytes: (chunk) => this.#onBytes(chunk),
      onEnd: (error) => this.#onEnd(error),
    });
    this.#writer = new FrameWriter(this.#socket, this.#mechanism.seal, () => this.#heartbeat.heard());
  }

  send(frames: readonly Uint8Array[]): Promise<void> {
    return frames.length === 0 ? Promise.reject(emptyMessage()) : this.#writer.send(frames);
  }

  close(): void {
    this.#shut(transportClosed());
  }

  #onConnect(): void {
    if (this.#stage !== "connecting") return;
    this.#stage = "greeting";
    this.#socket.write(encodeGreeting(this.#mechanism.name).opening);
  }

  #onBytes(chunk: Uint8Array): void {
    if (this.#stage === "closed") return;
    this.#heartbeat.heard();
    try {
      this.#parser.push(this.#stage === "greeting" ? chunk.subarray(this.#greet(chunk)) : chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Returns how many bytes of the chunk belonged to the greeting. */
  #greet(chunk: Uint8Array): number {
    const taken = this.#greeting.push(chunk);
    if (this.#greeting.complete) {
      this.#stage = "handshake";
      this.#socket.write(encodeGreeting(this.#mechanism.name).rest);
      this.#writeHandshake(this.#mechanism.start());
    }
    return taken;
  }

  /** Handshake commands go straight to the socket: they are never sealed, and nothing else is sent yet. */
  #writeHandshake(body: Uint8Array): void {
    const frame = new Uint8Array(headerBytes(body.length) + body.length);
    frame.set(body, writeHeader(frame, 0, frameFlag.command, body.length));
    this.#socket.write(frame);
  }

  #onFrame(flags: number, body: Uint8Array): void {
    if (this.#stage === "handshake") {
      this.#onHandshakeFrame(flags, body);
      return;
    }
    const frame = this.#mechanism.unseal === undefined ? { flags, body } : this.#mechanism.unseal(body);
    if ((frame.flags & frameFlag.command) !== 0) {
      this.#onCommand(frame.body);
      return;
    }
    const message = this.#assembler.add(frame.flags, frame.body);
    if (message !== undefined) this.#deliver(message);
  }

  #onHandshakeFrame(flags: number, body: Uint8Array): void {
    if ((flags & frameFlag.command) === 0) throw new ZmtpFault("the peer sent a message before the handshake was done");
    const answer = this.#mechanism.advance(parseCommand(body));
    if (answer !== undefined) this.#writeHandshake(answer);
    if (!this.#mechanism.ready) return;
    clearTimeout(this.#handshakeTimer);
    this.#stage = "open";
    this.#parser.maxBodyBytes = this.#options.maxFrameBytes + this.#mechanism.overheadBytes;
    this.#heartbeat.start();
    this.#opened(this);
  }

  #onCommand(body: Uint8Array): void {
    const command = parseCommand(body);
    if (command.name === "PING") this.#heartbeat.answer(command.data);
    else if (command.name === "ERROR") throw new ZmtpFault("the peer reported an error");
    // Others are for other socket types, or of later versions: a peer ignores what it does not know (RFC 37).
  }

  #deliver(message: Uint8Array[]): void {
    try {
      this.#handlers.onMessage(message);
    } catch (error) {
      this.#down(handlerFailed(this.#options.endpoint, error));
    }
  }

  #onHandshakeTimeout(): void {
    const { endpoint, handshakeTimeoutMs } = this.#options;
    const within = `within ${handshakeTimeoutMs} ms`;
    if (this.#stage === "connecting")
      this.#down(connectionRefused(endpoint, `nothing accepted the connection ${within}`));
    else if (this.#stage === "greeting")
      this.#fail(new ZmtpFault(`the peer did not say that it speaks ZMTP ${within}`));
    else this.#fail(new ZmtpFault(`the peer did not finish the handshake ${within}`, this.#handshakeCode()));
  }

  #onEnd(error: Error | undefined): void {
    if (this.#stage === "connecting") {
      this.#down(
        connectionRefused(this.#options.endpoint, error ? messageOf(error) : "the connection was closed", error),
      );
      return;
    }
    const during = this.#stage === "handshake" ? " during the handshake" : "";
    const reason = error === undefined ? `the peer closed it${during}` : messageOf(error);
    this.#fail(new ZmtpFault(reason, this.#handshakeCode(), error));
  }

  /** A CURVE server hangs up without a word on a client that does not know its key. */
  #handshakeCode(): "unauthorized" | "connection_lost" {
    return this.#stage === "handshake" && this.#mechanism.name === "CURVE" ? "unauthorized" : "connection_lost";
  }

  #fail(error: unknown): void {
    const { endpoint } = this.#options;
    const code = error instanceof ZmtpFault ? error.code : "connection_lost";
    this.#down((code === "unauthorized" ? unauthorized : connectionLost)(endpoint, messageOf(error), error));
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
    this.#heartbeat.stop();
    this.#parser.stop();
    this.#writer.stop(reason);
    this.#socket.destroy();
    return true;
  }
}
