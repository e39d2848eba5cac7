import { checkPeerMetadata, dealerMetadata, encodeCommand, refusedBy, type Command } from "./commands.ts";
import { ZmtpFault } from "./fault.ts";
import type { Mechanism } from "./mechanism.ts";

/** The mechanism without security (RFC 37, "The NULL Security Mechanism"): both sides say READY. */
export class NullMechanism implements Mechanism {
  readonly name = "NULL";
  readonly overheadBytes = 0;
  readonly seal = undefined;
  readonly unseal = undefined;
  #ready = false;

  get ready(): boolean {
    return this.#ready;
  }

  start(): Uint8Array {
    return encodeCommand("READY", dealerMetadata());
  }

  advance(command: Command): undefined {
    if (command.name === "ERROR") throw refusedBy(command);
    if (command.name !== "READY") throw new ZmtpFault("the peer sent something other than READY in the handshake");
    checkPeerMetadata(command.data);
    this.#ready = true;
  }
}
