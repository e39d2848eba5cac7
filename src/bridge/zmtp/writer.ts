import type { Socket } from "node:net";
import { transportClosed } from "../failures.ts";
import { frameFlag } from "./frames.ts";
import type { Mechanism } from "./mechanism.ts";
import { piecesOf } from "./pieces.ts";

/** Commands that may wait behind a peer that does not read; it sent PINGs without taking the PONGs. */
const maxWaitingCommands = 16;

/** What a message that could be written at once returns; one for all, because a promise costs time. */
const sent = Promise.resolve();

interface Item {
  frames: readonly Uint8Array[];
  resolve(): void;
  reject(error: Error): void;
  next: Item | undefined;
}

/**
 * Writes messages to a socket, one after the other and never more than the socket wants: what it does not want yet
 * waits here by reference, and `send` resolves when its message was taken. Commands go first, between messages.
 */
export class FrameWriter {
  readonly #socket: Socket;
  readonly #seal: Mechanism["seal"];
  #first: Item | undefined;
  #last: Item | undefined;
  readonly #commands: Uint8Array[] = [];
  /** What is left to write of the current message, and the message itself. */
  #pieces: Uint8Array[] = [];
  #written = 0;
  #current: Item | undefined;
  #blocked = false;
  #failure: Error | undefined;

  /** `onProgress` is told whenever the peer took what had waited. */
  constructor(socket: Socket, seal: Mechanism["seal"], onProgress: () => void) {
    this.#socket = socket;
    this.#seal = seal;
    socket.on("drain", () => {
      this.#blocked = false;
      onProgress();
      this.#pump();
    });
  }

  send(frames: readonly Uint8Array[]): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (!this.#blocked && this.#current === undefined && this.#first === undefined) {
      this.#begin(frames, 0);
      this.#write();
      if (!this.#blocked) return sent;
      return new Promise((resolve, reject) => {
        this.#current = { frames, resolve, reject, next: undefined };
      });
    }
    return new Promise((resolve, reject) => {
      const item: Item = { frames, resolve, reject, next: undefined };
      if (this.#last === undefined) this.#first = item;
      else this.#last.next = item;
      this.#last = item;
    });
  }

  sendCommand(body: Uint8Array): void {
    if (this.#failure !== undefined || this.#commands.length >= maxWaitingCommands) return;
    this.#commands.push(body);
    this.#pump();
  }

  /** Drops what waits; its promises reject. */
  stop(failure: Error = transportClosed()): void {
    this.#failure ??= failure;
    this.#current?.reject(failure);
    for (let item = this.#first; item !== undefined; item = item.next) item.reject(failure);
    this.#current = this.#first = this.#last = undefined;
    this.#pieces = [];
    this.#commands.length = 0;
  }

  #pump(): void {
    while (!this.#blocked && this.#failure === undefined) {
      if (this.#written < this.#pieces.length) {
        this.#write();
        continue;
      }
      this.#current?.resolve();
      this.#current = undefined;
      const command = this.#commands.shift();
      const item = command === undefined ? this.#first : undefined;
      if (command !== undefined) this.#begin([command], frameFlag.command);
      else if (item === undefined) return;
      else {
        this.#first = item.next;
        if (this.#first === undefined) this.#last = undefined;
        this.#current = item;
        this.#begin(item.frames, 0);
      }
    }
  }

  #begin(frames: readonly Uint8Array[], flags: number): void {
    this.#pieces = piecesOf(frames, flags, this.#seal);
    this.#written = 0;
  }

  #write(): void {
    const pieces = this.#pieces;
    const single = pieces.length === 1;
    if (!single) this.#socket.cork();
    while (this.#written < pieces.length && !this.#blocked) {
      const piece = pieces[this.#written++];
      if (piece !== undefined) this.#blocked = !this.#socket.write(piece);
    }
    if (!single) this.#socket.uncork();
    if (this.#written < pieces.length) return;
    this.#pieces = [];
    this.#written = 0;
  }
}
