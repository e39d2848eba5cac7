import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { x25519 } from "@noble/curves/ed25519.js";
import { asciiBytes, concat } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";

/** NaCl's crypto_box in the terms of RFC 26: `Box [X](C->S)` is `sealBox(sharedKey(c, S), nonce, X)`. */

/** What Poly1305 adds to a box, in bytes. */
export const tagBytes = 16;

/** A key pair of X25519, 32 bytes each. */
export interface KeyPair {
  publicKey: Uint8Array;
  secretKey: Uint8Array;
}

const sigma = words(asciiBytes("expand 32-byte k"));

export function newKeyPair(): KeyPair {
  return x25519.keygen();
}

/** crypto_box_beforenm: computed once for each pair of keys, because it costs far more than a box. */
export function sharedKey(secretKey: Uint8Array, publicKey: Uint8Array): Uint8Array {
  try {
    return deriveKey(x25519.getSharedSecret(secretKey, publicKey), new Uint8Array(16));
  } catch (cause) {
    // A point of low order: whoever offers one wants a shared key that everybody knows.
    throw new ZmtpFault("the peer offered an unusable public key", "unauthorized", cause);
  }
}

/** HSalsa20: the key that XSalsa20 uses for all nonces that start with these 16 bytes. */
export function deriveKey(key: Uint8Array, nonceStart: Uint8Array): Uint8Array {
  const derived = new Uint32Array(8);
  hsalsa(sigma, words(key), words(nonceStart), derived);
  return new Uint8Array(derived.buffer);
}

/** The nonce of RFC 26: a prefix that says what it is for, and bytes that never come twice. */
export function nonce(prefix: string, rest: Uint8Array): Uint8Array {
  return concat(asciiBytes(prefix), rest);
}

export function sealBox(key: Uint8Array, boxNonce: Uint8Array, plain: Uint8Array): Uint8Array {
  return xsalsa20poly1305(key, boxNonce).encrypt(plain);
}

/** @throws ZmtpFault `unauthorized` when the box was not sealed by whom the keys name */
export function openBox(key: Uint8Array, boxNonce: Uint8Array, box: Uint8Array): Uint8Array {
  try {
    return xsalsa20poly1305(key, boxNonce).decrypt(box);
  } catch (cause) {
    throw new ZmtpFault("the peer does not hold the secret key that belongs to serverKey", "unauthorized", cause);
  }
}

/** A copy as 32-bit words, because the bytes may lie anywhere in their buffer. */
function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}
