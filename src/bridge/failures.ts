import { GlipError, messageOf } from "../errors.ts";

/** Nothing answers at the endpoint. */
export function connectionRefused(endpoint: string, reason: string, cause?: unknown): GlipError<"connection_refused"> {
  const message = `No worker answers at ${endpoint}: ${reason}. Check that it is running and that the address is right.`;
  return new GlipError("connection_refused", message, { endpoint, reason }, { cause });
}

/** The connection was there and broke. */
export function connectionLost(endpoint: string, reason: string, cause?: unknown): GlipError<"connection_lost"> {
  const message = `The connection to the worker at ${endpoint} was lost: ${reason}.`;
  return new GlipError("connection_lost", message, { endpoint, reason }, { cause });
}

/** The security handshake failed. */
export function unauthorized(endpoint: string, reason: string, cause?: unknown): GlipError<"unauthorized"> {
  const message =
    `The security handshake with ${endpoint} failed: ${reason}. ` +
    "Check the worker's public key and that the worker accepts this client's key.";
  return new GlipError("unauthorized", message, { endpoint, reason }, { cause });
}

/** The asked-for transport cannot be used here. */
export function transportUnavailable(
  transport: string,
  reason: string,
  cause?: unknown,
): GlipError<"transport_unavailable"> {
  const message = `The transport "${transport}" cannot be used here: ${reason}.`;
  return new GlipError("transport_unavailable", message, { transport, reason }, { cause });
}

/** What a `send` gets after `close()`. */
export function transportClosed(): GlipError<"worker_closed"> {
  return new GlipError("worker_closed", "The connection was closed by this side.", {});
}

/** A message without frames does not exist in ZMTP. */
export function emptyMessage(): GlipError<"invalid_argument"> {
  const details = { path: "frames", expected: "at least one frame", received: "none" };
  return new GlipError("invalid_argument", "frames: expected at least one frame, got none.", details);
}

/** What a handler that threw does to its connection: the message is lost, so the connection is not usable. */
export function handlerFailed(endpoint: string, cause: unknown): GlipError<"connection_lost"> {
  return connectionLost(endpoint, `a message could not be handled (${messageOf(cause)})`, cause);
}
