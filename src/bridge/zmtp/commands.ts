import { ZmtpFault } from "./fault.ts";

/** A ZMTP command: a name and its data (RFC 37, "command-body"). */
export interface Command {
  name: string;
  data: Uint8Array;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("latin1");

/** The socket types that a DEALER may talk to (RFC 28). */
const compatiblePeers = new Set(["ROUTER", "DEALER", "REP"]);

export function asciiBytes(text: string): Uint8Array {
  return encoder.encode(text);
}

export function concat(...parts: Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

/** The body of a command frame. */
export function encodeCommand(name: string, data: Uint8Array): Uint8Array {
  return concat(Uint8Array.of(name.length), asciiBytes(name), data);
}

/** @throws ZmtpFault when the name does not fit in the body */
export function parseCommand(body: Uint8Array): Command {
  const length = body[0] ?? 0;
  if (length === 0 || length >= body.length) throw new ZmtpFault("the peer sent a malformed command");
  return { name: decoder.decode(body.subarray(1, 1 + length)), data: body.subarray(1 + length) };
}

/** The metadata of this side: who it is, and that it asks for no identity (RFC 37, "metadata"). */
export function dealerMetadata(): Uint8Array {
  return concat(property("Socket-Type", asciiBytes("DEALER")), property("Identity", new Uint8Array(0)));
}

/** @throws ZmtpFault when the metadata is malformed or the peer is no socket that a DEALER may talk to */
export function checkPeerMetadata(metadata: Uint8Array): void {
  const view = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  let socketType: string | undefined;
  for (let offset = 0; offset < metadata.length;) {
    const name = offset + 1;
    const size = name + view.getUint8(offset);
    const value = size + 4;
    const end = value <= metadata.length ? value + view.getUint32(size) : Infinity;
    if (size === name || end > metadata.length) throw new ZmtpFault("the peer sent malformed metadata");
    if (decoder.decode(metadata.subarray(name, size)).toLowerCase() === "socket-type") {
      socketType = decoder.decode(metadata.subarray(value, end));
    }
    offset = end;
  }
  if (socketType === undefined || !compatiblePeers.has(socketType)) {
    throw new ZmtpFault(`the peer is a ${socketType ?? "socket of unknown type"}, expected a ROUTER`);
  }
}

/** The fault that an ERROR command stands for (RFC 37, "error"): the peer refuses the handshake. */
export function refusedBy(error: Command): ZmtpFault {
  const reason = decoder.decode(error.data.subarray(1, 1 + (error.data[0] ?? 0))).replace(/[^ -~]/g, "?");
  return new ZmtpFault(`the peer refused the handshake (${reason || "no reason given"})`, "unauthorized");
}

function property(name: string, value: Uint8Array): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, value.length);
  return concat(Uint8Array.of(name.length), asciiBytes(name), size, value);
}
