/** What each error code carries in `details`. The keys of this interface are all the codes there are. */
export interface ErrorDetails {
  /** A value the caller gave does not fit; `path` names it, e.g. `options.boxes[2].width`. */
  invalid_argument: { path: string; expected: string; received: string };
  /** A message from the other side does not fit the protocol. */
  invalid_message: { reason: string };
  /** The worker has no method of this name. */
  unknown_method: { method: string; known: string[] };
  /** Client and worker do not speak the same protocol. `field` is `protocol`, `schema` or `sdk`. */
  protocol_mismatch: { field: string; expected: string; received: string };
  /** One frame is larger than the receiver accepts. Sizes in bytes. */
  message_too_large: { bytes: number; limit: number };
  /** The worker's queue is full; the call was not started. */
  queue_full: { pending: number; limit: number };
  /** The caller aborted; `cause` is `signal.reason`. */
  cancelled: Record<string, never>;
  /** The call's deadline passed before its result came. */
  deadline_exceeded: { timeoutMs: number };
  /** Python raised; `type` is the exception's class, `traceback` its text. */
  worker_error: { type: string; traceback: string };
  /** The device or the host ran out of memory; the worker lives on. `checkpoint`: a training's last good one. */
  out_of_memory: { type: string; traceback: string; checkpoint?: string | null };
  /** The worker process ended before it was ready. */
  worker_start_failed: WorkerDeath;
  /** The worker did not become ready in time and was killed. */
  worker_start_timeout: WorkerDeath & { timeoutMs: number };
  /** The worker process ended while it was in use. */
  worker_died: WorkerDeath;
  /** The worker stopped answering heartbeats and was given up. */
  worker_unresponsive: WorkerDeath & { silentMs: number };
  /** The handle was closed. */
  worker_closed: Record<string, never>;
  /** Nothing answers at the endpoint. */
  connection_refused: { endpoint: string; reason: string };
  /** The connection to a worker broke. */
  connection_lost: { endpoint: string; reason: string };
  /** The worker does not accept this client's CURVE keys, or is not the worker that the keys name. */
  unauthorized: { endpoint: string; reason: string };
  /** The asked-for transport cannot be used here. */
  transport_unavailable: { transport: string; reason: string };
  /** No Python that fits was found. */
  python_not_found: { tried: string[]; required: string };
  /** The Python environment has not been made yet. */
  environment_missing: { path: string };
  /** The Python environment does not match this SDK's lock files. */
  environment_stale: { path: string; expected: string; received: string };
  /** A step of `glip setup` failed. */
  setup_failed: { step: string; output: string };
  /** There is no microsoft/GLIP checkout at `path`, or what lies there is none. */
  official_missing: { path: string; reason: string };
  /** The checkout is not the pinned commit, file for file. Paths are relative to `directory`, with slashes. */
  official_modified: { directory: string; changed: string[]; missing: string[]; extra: string[] };
  /** The official checkout could not be fetched; `output` holds git's last lines. */
  official_fetch_failed: { repository: string; commit: string; reason: OfficialFetchFailure; output: string };
  /** The weights are not on this machine. */
  weights_missing: { name: string; path: string };
  /** A weight file is not what it should be. `field` is `size` (in bytes), `sha256` or `content`. */
  weights_mismatch: { path: string; field: string; expected: string; received: string };
  /** A download ended without its file. What came is kept where it can be continued. */
  download_failed: { url: string; reason: DownloadFailure; status: number | undefined; bytes: number };
  /** A picture cannot be used: not a picture, damaged, too large. `path` is its file, or `image` for bytes and pixels. */
  image_invalid: { path: string; reason: string };
  /** A configuration cannot be used. `keys` are those that are wrong; `path` is its file, or the option's name. */
  config_invalid: { path: string; keys: string[]; reason: string };
  /**
   * Annotations cannot be trained or evaluated on. The first problems, each with its place (of the engine native, each
   * with its kind, too), and how many there are.
   */
  dataset_invalid: { path: string; problems: { where: string; reason: string; kind?: string }[]; count: number };
  /** Files of a benchmark are not where its official layout has them: all of them, and the page where each is offered. */
  benchmark_incomplete: {
    benchmark: string;
    path: string;
    missing: { path: string; reason: string; page: string }[];
  };
  /** A training or evaluation process failed; `output` is the run's folder. */
  training_failed: {
    exitCode: number | undefined;
    output: string;
    lastLogLines: string[];
    logFile: string | undefined;
  };
  /** A training's loss is not a finite number. `checkpoint` is the last good one, from before; null when there is none. */
  loss_not_finite: { step: number; losses: Record<string, number | null>; output: string; checkpoint: string | null };
  /** One of a training's processes ended, and the others with it. `checkpoint` is the last good one. */
  rank_died: {
    rank: number | undefined;
    exitCode: number | undefined;
    /** Name of the signal that ended it. */
    signal: string | undefined;
    output: string;
    checkpoint: string | null;
    lastLogLines: string[];
    logFile: string | undefined;
  };
  /**
   * The disk that holds `path` is full. Sizes in bytes; undefined where they are not known. `checkpoint`: a training's last
   * good one.
   */
  disk_full: { path: string; needed: number | undefined; free: number | undefined; checkpoint?: string | null };
  /** A file or folder cannot be read, written or understood. */
  file_error: { path: string; reason: string };
  /** The feature was not switched on, or does not exist here. */
  unsupported: { feature: string; reason: string };
}

/** What is known about a worker process that ended. */
export interface WorkerDeath {
  pid: number | undefined;
  exitCode: number | undefined;
  /** Name of the signal that ended it, e.g. `SIGKILL`. */
  signal: string | undefined;
  /** The last lines that it wrote to stdout and stderr, oldest first. */
  lastLogLines: string[];
  /** The file that holds its whole log; undefined when logging to a file is off. */
  logFile: string | undefined;
}

/** Why the official checkout could not be fetched. */
export type OfficialFetchFailure = "git_missing" | "unreachable" | "commit_missing" | "failed";

/** Why a download ended: what the server answered, or how the connection went. */
export type DownloadFailure = "not_found" | "refused" | "web_page" | "redirects" | "network" | "stalled";

export type ErrorCode = keyof ErrorDetails;

/**
 * The one error class of this SDK. `code` says what happened, `details` holds the facts, `message` says what was
 * expected, what came and what to do, `cause` is the error underneath where there is one.
 */
export class GlipError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = "GlipError";
  readonly code: Code;
  readonly details: ErrorDetails[Code];

  constructor(code: Code, message: string, details: ErrorDetails[Code], options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
    this.details = details;
  }

  /** A plain object for logs and `JSON.stringify`. */
  toJSON(): { name: string; code: Code; message: string; details: ErrorDetails[Code] } {
    return { name: this.name, code: this.code, message: this.message, details: this.details };
  }
}

/** Narrows to a `GlipError`, and to one code of it when `code` is given. */
export function isGlipError<Code extends ErrorCode = ErrorCode>(error: unknown, code?: Code): error is GlipError<Code> {
  return error instanceof GlipError && (code === undefined || error.code === code);
}

/** The text of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
