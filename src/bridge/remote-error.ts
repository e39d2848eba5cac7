import { type ErrorCode, type ErrorDetails, GlipError } from "../errors.ts";

/** The codes that a worker may answer with; anything else it says becomes `worker_error`. */
const workerCodes: ReadonlySet<string> = new Set<ErrorCode>([
  "invalid_argument",
  "invalid_message",
  "unknown_method",
  "protocol_mismatch",
  "message_too_large",
  "queue_full",
  "cancelled",
  "deadline_exceeded",
  "worker_error",
  "out_of_memory",
  "worker_closed",
  "weights_missing",
  "weights_mismatch",
  "image_invalid",
  "config_invalid",
  "dataset_invalid",
  "benchmark_incomplete",
  "training_failed",
  "loss_not_finite",
  "rank_died",
  "disk_full",
  "file_error",
  "unsupported",
]);

/** The GlipError for an error message of the worker. */
export function remoteError({
  code,
  message,
  details,
}: {
  code: string;
  message: string;
  details: Record<string, unknown>;
}): GlipError {
  if (workerCodes.has(code))
    return new GlipError(code as ErrorCode, message, details as unknown as ErrorDetails[ErrorCode]);
  return new GlipError("worker_error", message, { type: code, traceback: "" });
}
