/** Why a ZMTP connection cannot go on. Turned into a GlipError, with the endpoint, where it meets the transport. */
export class ZmtpFault extends Error {
  override readonly name = "ZmtpFault";
  readonly code: "connection_lost" | "unauthorized";

  constructor(reason: string, code: "connection_lost" | "unauthorized" = "connection_lost", cause?: unknown) {
    super(reason, { cause });
    this.code = code;
  }
}
