import { GlipError } from "../errors.ts";
import { silentLogger, type Logger } from "../logger.ts";
import { transportDefaults, type CurveKeys, type TransportOptions } from "./transport.ts";
import { decodeZ85 } from "./zmtp/z85.ts";

/** Where to connect, in the words of node:net. */
export type Address = { path: string } | { host: string; port: number };

/** `TransportOptions`, checked and with the defaults filled in. */
export interface ResolvedTransportOptions {
  endpoint: string;
  address: Address;
  curve: CurveKeys | undefined;
  maxFrameBytes: number;
  handshakeTimeoutMs: number;
  heartbeatIntervalMs: number;
  heartbeatTimeoutMs: number;
  logger: Logger;
}

/** @throws GlipError `invalid_argument` */
export function resolveTransportOptions(options: TransportOptions): ResolvedTransportOptions {
  return {
    endpoint: options.endpoint,
    address: parseEndpoint(options.endpoint),
    curve: options.curve && checkKeys(options.curve),
    maxFrameBytes: whole("maxFrameBytes", options.maxFrameBytes ?? transportDefaults.maxFrameBytes, 1),
    handshakeTimeoutMs: whole(
      "handshakeTimeoutMs",
      options.handshakeTimeoutMs ?? transportDefaults.handshakeTimeoutMs,
      1,
    ),
    heartbeatIntervalMs: whole(
      "heartbeatIntervalMs",
      options.heartbeatIntervalMs ?? transportDefaults.heartbeatIntervalMs,
      0,
    ),
    heartbeatTimeoutMs: whole(
      "heartbeatTimeoutMs",
      options.heartbeatTimeoutMs ?? transportDefaults.heartbeatTimeoutMs,
      1,
    ),
    logger: options.logger ?? silentLogger,
  };
}

/**
 * Understands `ipc:///path`, `tcp://host:port` and `tcp://[::1]:port`.
 *
 * @throws GlipError `invalid_argument`
 */
export function parseEndpoint(endpoint: string): Address {
  const path = /^ipc:\/\/(\/.+)$/.exec(endpoint)?.[1];
  if (path !== undefined) return { path };
  const tcp = /^tcp:\/\/(?:\[([0-9a-fA-F:.]+)\]|([^:/[\]]+)):(\d{1,5})$/.exec(endpoint);
  const host = tcp?.[1] ?? tcp?.[2];
  const port = Number(tcp?.[3]);
  if (host !== undefined && port > 0 && port < 65536) return { host, port };
  throw invalid("options.endpoint", "ipc:///path or tcp://host:port", endpoint);
}

function checkKeys(keys: CurveKeys): CurveKeys {
  for (const name of ["serverKey", "publicKey", "secretKey"] as const) {
    // What was received stays out of the error: it may be most of a secret key.
    if (decodeZ85(keys[name])?.length !== 32)
      throw invalid(`options.curve.${name}`, "40 characters of Z85", "something else");
  }
  return keys;
}

function whole(name: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw invalid(`options.${name}`, `a whole number >= ${least}`, String(value));
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}.`, {
    path,
    expected,
    received,
  });
}
