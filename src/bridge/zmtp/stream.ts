import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Address } from "../options.ts";

/**
 * The memory that the operating system reads into, again and again: large enough for what a local socket hands over at
 * once, small enough to stay in the processor's cache until it was copied to its place.
 */
const readBufferBytes = 2 ** 18;

export interface StreamHandlers {
  /** The chunk is only valid during the call. */
  onBytes(chunk: Uint8Array): void;
  onConnect(): void;
  /** The stream is over; with the error that ended it, if there was one. */
  onEnd(error: Error | undefined): void;
}

/** Opens a stream to the address, over node:net, in Node, Deno and Bun alike. */
export function openStream(address: Address, handlers: StreamHandlers): Socket {
  const onread = {
    buffer: new Uint8Array(readBufferBytes),
    callback(bytes: number, buffer: Uint8Array): boolean {
      handlers.onBytes(buffer.subarray(0, bytes));
      return true;
    },
  };
  const options: NetConnectOpts = { ...address, onread };
  const socket = connect(options);
  let failure: Error | undefined;
  // Requests are small and wait for their answers: Nagle's algorithm would hold them back.
  if ("port" in address) socket.setNoDelay(true);
  socket.on("connect", () => handlers.onConnect());
  // Fires only where the runtime does not know `onread`.
  socket.on("data", (chunk: Uint8Array) => handlers.onBytes(chunk));
  socket.on("error", (error) => {
    failure = error;
  });
  socket.on("end", () => socket.destroy());
  socket.on("close", () => handlers.onEnd(failure));
  return socket;
}
