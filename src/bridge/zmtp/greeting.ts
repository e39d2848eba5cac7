import { asciiBytes } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";

/** Signature, version, mechanism, as-server, filler (RFC 37, "greeting"). */
const greetingBytes = 64;

/**
 * What a client may say before it knows the peer: the signature and the major version. libzmq sends its mechanism only
 * after these 11 bytes; keeping the rest back until then lets this side name a mechanism that differs, instead of
 * seeing the peer hang up on ours.
 */
const openingBytes = 11;

const majorVersion = 3;
const minorVersion = 1;

/** The greeting in the two parts in which it is sent. */
export function encodeGreeting(mechanism: string): { opening: Uint8Array; rest: Uint8Array } {
  const greeting = new Uint8Array(greetingBytes);
  greeting[0] = 0xff;
  greeting[9] = 0x7f;
  greeting[10] = majorVersion;
  greeting[11] = minorVersion;
  greeting.set(asciiBytes(mechanism), 12);
  return { opening: greeting.subarray(0, openingBytes), rest: greeting.subarray(openingBytes) };
}

/** Collects the peer's greeting from a stream and checks it as early as its bytes allow. */
export class GreetingReader {
  readonly #mechanism: string;
  readonly #greeting = new Uint8Array(greetingBytes);
  #filled = 0;

  constructor(mechanism: string) {
    this.#mechanism = mechanism;
  }

  get complete(): boolean {
    return this.#filled === greetingBytes;
  }

  /**
   * Takes what it needs from the chunk and returns how many bytes that was.
   *
   * @throws ZmtpFault `unauthorized` when the peer wants another security mechanism
   */
  push(chunk: Uint8Array): number {
    const taken = Math.min(greetingBytes - this.#filled, chunk.length);
    this.#greeting.set(chunk.subarray(0, taken), this.#filled);
    this.#filled += taken;
    this.#check();
    return taken;
  }

  #check(): void {
    const greeting = this.#greeting;
    const wrongSignature = greeting[0] !== 0xff || (this.#filled > 9 && greeting[9] !== 0x7f);
    if (this.#filled > 0 && wrongSignature) throw new ZmtpFault("the peer does not speak ZMTP");
    if (this.#filled > 10 && (greeting[10] ?? 0) < majorVersion) {
      throw new ZmtpFault(`the peer speaks ZMTP ${greeting[10]}, expected ${majorVersion}.${minorVersion}`);
    }
    if (!this.complete) return;
    const end = greeting.indexOf(0, 12);
    const mechanism = String.fromCharCode(...greeting.subarray(12, Math.min(end < 0 ? 32 : end, 32)));
    if (mechanism === this.#mechanism) return;
    const printable = mechanism.replace(/[^ -~]/g, "?");
    throw new ZmtpFault(
      `the peer's security mechanism is ${printable}, this side's is ${this.#mechanism}`,
      "unauthorized",
    );
  }
}
