import { newKeyPair } from "./zmtp/box.ts";
import { encodeZ85 } from "./zmtp/z85.ts";

/** A CURVE key pair, each key 40 characters of Z85 (RFC 32). */
export interface CurveKeyPair {
  publicKey: string;
  secretKey: string;
}

/** A fresh CURVE key pair (RFC 26: Curve25519), for a worker or for a client. */
export function generateCurveKeys(): CurveKeyPair {
  const { publicKey, secretKey } = newKeyPair();
  return { publicKey: encodeZ85(publicKey), secretKey: encodeZ85(secretKey) };
}
