import { type DownloadFailure, GlipError } from "../../errors.ts";
import type { WeightsTarget } from "./target.ts";

/** The connection did not hold, or the server cannot just now: worth another attempt. */
export class Interrupted extends Error {
  readonly reason: "network" | "stalled" | "refused";
  readonly status: number | undefined;
  /** What the server asked to wait. */
  readonly waitMs: number | undefined;

  constructor(
    reason: Interrupted["reason"],
    message: string,
    options: { cause?: unknown; status?: number; waitMs?: number | undefined } = {},
  ) {
    super(message, { cause: options.cause });
    this.reason = reason;
    this.status = options.status;
    this.waitMs = options.waitMs;
  }
}

const REMEDIES: Record<DownloadFailure, string> = {
  not_found: "Correct the name or the address; `npx glip weights list` shows what there is.",
  refused: "Look at the address with a browser: what it asks of you there is asked of the SDK too.",
  web_page:
    "Use the address of the file itself (on Hugging Face /resolve/main/, not /blob/main/), or download it with a browser.",
  redirects: "Use the address where the file really lies.",
  network: "Run it again: it continues where it stopped. Behind a proxy, see docs/official.md.",
  stalled: "Run it again: it continues where it stopped.",
};

/** The error for a download that ended without its file; `what` says how. */
export function downloadFailed(
  url: string,
  reason: DownloadFailure,
  what: string,
  facts: { status?: number | undefined; bytes?: number; cause?: unknown } = {},
): GlipError<"download_failed"> {
  const { status, bytes = 0, cause } = facts;
  const message =
    `The download of ${url} failed: ${what}. ${REMEDIES[reason]} ` +
    "If you have the file: `npx glip weights pull NAME --from FILE`.";
  return new GlipError("download_failed", message, { url, reason, status, bytes }, { cause });
}

/** The error for a file that is not the one it should be; `remedy` says what to do. */
export function mismatch(
  path: string,
  { field, expected, received }: { field: "size" | "sha256" | "content"; expected: string; received: string },
  remedy: string,
): GlipError<"weights_mismatch"> {
  const message = `${path} is not the file it should be: ${field} expected ${expected}, got ${received}. ${remedy}`;
  return new GlipError("weights_mismatch", message, { path, field, expected, received });
}

/** The error for a file that can be downloaded nowhere. */
export function unavailable({ name, unavailable: reason = "it is not published" }: WeightsTarget): GlipError {
  const message = `${name} cannot be downloaded: ${reason}. If you have the file: \`npx glip weights pull ${name} --from FILE\`.`;
  return new GlipError("unsupported", message, { feature: `weights ${name}`, reason });
}
