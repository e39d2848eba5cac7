import { randomBytes } from "node:crypto";
import type { CurveKeys } from "../transport.ts";
import { newKeyPair, nonce, openBox, sealBox, sharedKey, tagBytes } from "./box.ts";
import { checkPeerMetadata, concat, dealerMetadata, encodeCommand, refusedBy, type Command } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";
import type { Mechanism } from "./mechanism.ts";
import { MessageOpener, MessageSealer, messageOverheadBytes, readNonce } from "./message-box.ts";
import { decodeZ85 } from "./z85.ts";

/** Sizes of the data of the server's commands (RFC 26): WELCOME = nonce and box(S', cookie); READY = nonce and box. */
const welcomeBytes = 16 + tagBytes + 32 + 96;
const readyLeastBytes = 8 + tagBytes;

/**
 * The client of CURVE (RFC 26). Names follow the RFC: capital letters are public keys, small ones secret; S and C are
 * the long-term keys of server and client, the primed ones live for this connection only.
 */
export class CurveMechanism implements Mechanism {
  readonly name = "CURVE";
  readonly overheadBytes = messageOverheadBytes;
  readonly #serverKey: Uint8Array;
  readonly #clientKey: { publicKey: Uint8Array; secretKey: Uint8Array };
  readonly #transient = newKeyPair();
  /** C' -> S, until the server has named S'. */
  readonly #welcomeKey: Uint8Array;
  /** C' -> S', from then on. */
  #sessionKey: Uint8Array | undefined;
  #sealer: MessageSealer | undefined;
  #opener: MessageOpener | undefined;
  #counter = 0n;

  /** @throws ZmtpFault when a key is none */
  constructor(keys: CurveKeys) {
    this.#serverKey = keyBytes(keys.serverKey);
    this.#clientKey = { publicKey: keyBytes(keys.publicKey), secretKey: keyBytes(keys.secretKey) };
    this.#welcomeKey = sharedKey(this.#transient.secretKey, this.#serverKey);
  }

  get ready(): boolean {
    return this.#opener !== undefined;
  }

  /** HELLO. Its 72 bytes of padding make it longer than the answer, so that nobody can use a server as an amplifier. */
  start(): Uint8Array {
    const short = this.#takeNonce();
    const signature = sealBox(this.#welcomeKey, nonce("CurveZMQHELLO---", short), new Uint8Array(64));
    return encodeCommand(
      "HELLO",
      concat(Uint8Array.of(1, 0), new Uint8Array(72), this.#transient.publicKey, short, signature),
    );
  }

  advance(command: Command): Uint8Array | undefined {
    if (command.name === "ERROR") throw refusedBy(command);
    if (this.#sessionKey === undefined && command.name === "WELCOME") return this.#initiate(command.data);
    if (this.#sessionKey !== undefined && command.name === "READY") return this.#finish(command.data, this.#sessionKey);
    throw new ZmtpFault("the peer sent a command out of turn in the CURVE handshake");
  }

  readonly seal = (flags: number, body: Uint8Array): Uint8Array => {
    if (this.#sealer === undefined) throw new ZmtpFault("a message was sent before the CURVE handshake was done");
    return this.#sealer.seal(flags, body);
  };

  readonly unseal = (body: Uint8Array): { flags: number; body: Uint8Array } => {
    if (this.#opener === undefined) throw new ZmtpFault("a message came before the CURVE handshake was done");
    return this.#opener.open(body);
  };

  /** WELCOME names S' and brings a cookie; INITIATE gives the cookie back and vouches for C' with the long-term key. */
  #initiate(data: Uint8Array): Uint8Array {
    if (data.length !== welcomeBytes) throw new ZmtpFault("the peer sent a malformed WELCOME");
    const welcome = openBox(this.#welcomeKey, nonce("WELCOME-", data.subarray(0, 16)), data.subarray(16));
    const transientServerKey = welcome.subarray(0, 32);
    const cookie = welcome.subarray(32);
    const sessionKey = sharedKey(this.#transient.secretKey, transientServerKey);
    this.#sessionKey = sessionKey;

    const long = randomBytes(16);
    const vouchKey = sharedKey(this.#clientKey.secretKey, transientServerKey);
    const vouch = sealBox(vouchKey, nonce("VOUCH---", long), concat(this.#transient.publicKey, this.#serverKey));
    const short = this.#takeNonce();
    const plain = concat(this.#clientKey.publicKey, long, vouch, dealerMetadata());
    return encodeCommand(
      "INITIATE",
      concat(cookie, short, sealBox(sessionKey, nonce("CurveZMQINITIATE", short), plain)),
    );
  }

  #finish(data: Uint8Array, sessionKey: Uint8Array): undefined {
    if (data.length < readyLeastBytes || this.ready) throw new ZmtpFault("the peer sent a malformed READY");
    checkPeerMetadata(openBox(sessionKey, nonce("CurveZMQREADY---", data.subarray(0, 8)), data.subarray(8)));
    this.#sealer = new MessageSealer(sessionKey, "CurveZMQMESSAGEC", () => this.#takeNonce());
    this.#opener = new MessageOpener(sessionKey, "CurveZMQMESSAGES", readNonce(data, 0));
  }

  /** The next of the numbers that make every nonce of this connection unique, HELLO's being 1. */
  #takeNonce(): Uint8Array {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setBigUint64(0, ++this.#counter);
    return bytes;
  }
}

function keyBytes(text: string): Uint8Array {
  const bytes = decodeZ85(text);
  if (bytes?.length !== 32) throw new ZmtpFault("a CURVE key is not 40 characters of Z85", "unauthorized");
  return bytes;
}
