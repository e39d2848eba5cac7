import { z } from "zod";
import { anyValue, requestId, text, uint32, uint53 } from "./fields.ts";

/** Raised when the meaning of a message changes; a mismatch refuses at once. */
export const protocolVersion = 1;

export const segmentName = z.string().regex(/^[a-z0-9-]{1,64}$/);

export const device = z.strictObject({
  type: z.enum(["cpu", "cuda", "mps"]),
  /** Number of the CUDA device; null for cpu and mps. */
  index: uint53.nullable(),
  name: z.string(),
  /** Memory of the device (of the host, for cpu and mps). */
  memory_bytes: uint53,
});

export const limits = z.strictObject({ max_frame_bytes: uint53, max_pending: uint53 });

/** docs/protocol.md, "Client to worker". */
export const clientMessages = {
  hello: z.strictObject({
    kind: z.literal("hello"),
    id: requestId,
    protocol: uint32,
    schema: z.string(),
    sdk: z.string(),
    max_frame_bytes: uint32,
    shared_memory: z.string().nullable(),
  }),
  request: z.strictObject({
    kind: z.literal("request"),
    id: requestId,
    method: text,
    params: z.record(z.string(), anyValue),
    deadline_ms: uint32.nullable(),
    credit: uint32.nullable(),
  }),
  credit: z.strictObject({ kind: z.literal("credit"), id: requestId, events: uint32 }),
  cancel: z.strictObject({ kind: z.literal("cancel"), id: requestId }),
  release: z.strictObject({ kind: z.literal("release"), segments: z.array(segmentName) }),
  ping: z.strictObject({ kind: z.literal("ping"), id: requestId }),
};

/** docs/protocol.md, "Worker to client". */
export const workerMessages = {
  ready: z.strictObject({
    kind: z.literal("ready"),
    id: requestId,
    protocol: uint53,
    schema: z.string(),
    pid: uint53,
    engine: z.string(),
    /** Of the SDK, Python, torch and whatever else the engine stands on. */
    versions: z.record(z.string(), z.string()),
    device,
    methods: z.array(z.string()),
    limits,
    shared_memory: z.boolean(),
  }),
  result: z.strictObject({ kind: z.literal("result"), id: requestId, value: anyValue }),
  event: z.strictObject({ kind: z.literal("event"), id: requestId, seq: uint53, value: anyValue }),
  error: z.strictObject({
    kind: z.literal("error"),
    id: uint32,
    code: z.string(),
    message: z.string(),
    details: z.record(z.string(), anyValue),
  }),
  pong: z.strictObject({ kind: z.literal("pong"), id: requestId }),
  probe: z.strictObject({ kind: z.literal("probe") }),
  goodbye: z.strictObject({ kind: z.literal("goodbye"), reason: z.string() }),
};

export const workerMessage = z.discriminatedUnion("kind", [
  workerMessages.ready,
  workerMessages.result,
  workerMessages.event,
  workerMessages.error,
  workerMessages.pong,
  workerMessages.probe,
  workerMessages.goodbye,
]);

export type ClientMessage = {
  [Kind in keyof typeof clientMessages]: z.infer<(typeof clientMessages)[Kind]>;
}[keyof typeof clientMessages];
export type WorkerMessage = z.infer<typeof workerMessage>;
export type Ready = z.infer<typeof workerMessages.ready>;
export type Device = z.infer<typeof device>;
