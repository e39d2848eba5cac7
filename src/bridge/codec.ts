import { addExtension, Packr, Unpackr } from "msgpackr";
import { GlipError, isGlipError, messageOf } from "../errors.ts";
import { arrayConstructors, type DType, elementSize, isDType } from "../protocol/dtype.ts";
import { type ClientMessage, type WorkerMessage, workerMessage } from "../protocol/messages.ts";
import { Tensor, tensorBytes } from "../protocol/tensor.ts";

/** msgpack extension types of docs/protocol.md, "Tensors". */
const frameExtension = 0x54;
const segmentExtension = 0x53;

/** A tensor in shared memory starts at a multiple of this many bytes. */
const segmentAlignment = 64;

/** Where the elements of a tensor lie in shared memory. */
export interface SegmentRange {
  segment: string;
  offset: number;
}

/** A received tensor whose elements are still to be read from shared memory into `tensor.bytes`. */
export interface SegmentRead extends SegmentRange {
  tensor: Tensor;
}

export interface DecodedMessage {
  message: WorkerMessage;
  reads: SegmentRead[];
}

/**
 * Makes the memory for a tensor that will be read from shared memory.
 * @throws GlipError `invalid_message` when the segment does not hold that many bytes there
 */
export type Allocate = (range: SegmentRange, bytes: number) => { buffer: ArrayBuffer; onRelease: () => void };

class FrameReference {
  readonly payload: readonly unknown[];
  constructor(tensor: Tensor, frame: number) {
    this.payload = [tensor.dtype, tensor.shape, frame];
  }
}

class SegmentReference {
  readonly payload: readonly unknown[];
  constructor(tensor: Tensor, { segment, offset }: SegmentRange) {
    this.payload = [tensor.dtype, tensor.shape, segment, offset];
  }
}

// int64AsType "auto" (a number where it is exact) is missing from msgpackr's types.
const options = { useRecords: false, copyBuffers: true, encodeUndefinedAsNil: true, int64AsType: "auto" as "number" };
const packr = new Packr(options);
const unpackr = new Unpackr(options);
const payloads = { packr: new Packr(options), unpackr: new Unpackr(options) };

// msgpackr's extensions are functions without a context: packing and unpacking are synchronous, so the message at hand
// stands here meanwhile.
let outgoing: { buffers: Uint8Array[]; placed: ReadonlyMap<Tensor, SegmentRange> } | undefined;
interface Incoming {
  buffers: Uint8Array[];
  used: Set<number>;
  reads: SegmentRead[];
  allocate: Allocate;
}
/** "ignored": what tensors say does not matter, right or wrong. */
let incoming: Incoming | "ignored" | undefined;

addExtension({
  Class: Tensor,
  write(tensor: Tensor) {
    if (outgoing === undefined) throw new Error("a Tensor can be packed in a message only");
    const range = outgoing.placed.get(tensor);
    return range === undefined
      ? new FrameReference(tensor, outgoing.buffers.push(tensor.bytes) - 1)
      : new SegmentReference(tensor, range);
  },
});
for (const [type, Class, unpack] of [
  [frameExtension, FrameReference, readFrame],
  [segmentExtension, SegmentReference, readSegment],
] as const) {
  addExtension({
    Class,
    type,
    pack: (reference: FrameReference | SegmentReference) => payloads.packr.pack(reference.payload),
    unpack: (bytes: Uint8Array) =>
      incoming === "ignored" ? undefined : unpack(payloads.unpackr.unpack(bytes), incoming),
  });
}

/** `[header, buffer, …]` of one message; tensors in `placed` are referred to where they lie in shared memory. */
export function encodeMessage(
  message: ClientMessage,
  placed: ReadonlyMap<Tensor, SegmentRange> = new Map(),
): Uint8Array[] {
  const buffers: Uint8Array[] = [];
  outgoing = { buffers, placed };
  try {
    return [packr.pack(message), ...buffers];
  } finally {
    outgoing = undefined;
  }
}

/**
 * Reads one message of the worker.
 * @throws GlipError `invalid_message` that names what is wrong, for any bytes that are not one
 */
export function decodeMessage(frames: readonly Uint8Array[], allocate: Allocate): DecodedMessage {
  const [header, ...buffers] = frames;
  if (header === undefined) throw invalidMessage("a message without a header");
  const context = { buffers, used: new Set<number>(), reads: [], allocate };
  incoming = context;
  let value: unknown;
  try {
    value = unpackr.unpack(header);
  } catch (error) {
    if (isGlipError(error, "invalid_message")) throw error;
    const what = isGlipError(error) ? "a tensor" : "the header is not msgpack";
    throw invalidMessage(`${what}: ${messageOf(error)}`, error);
  } finally {
    incoming = undefined;
  }
  const parsed = workerMessage.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalidMessage(`${issue?.path.join(".") || "header"}: ${issue?.message}`);
  }
  return { message: parsed.data, reads: context.reads };
}

/** The request that a message which could not be read was about; 0 when even that cannot be read. */
export function idOf(frames: readonly Uint8Array[]): number {
  try {
    incoming = "ignored";
    const value: unknown = unpackr.unpack(frames[0] ?? new Uint8Array());
    const id = (value as { id?: unknown } | null)?.id;
    return typeof id === "number" && Number.isInteger(id) && id > 0 ? id : 0;
  } catch {
    return 0;
  } finally {
    incoming = undefined;
  }
}

function readFrame(payload: unknown, incoming: Incoming | undefined): Tensor {
  if (incoming === undefined) throw invalidMessage("a tensor outside a message");
  const [dtype, shape, frame] = fields(payload, 3);
  const index = frame as number;
  const bytes = Number.isInteger(index) ? incoming.buffers[index] : undefined;
  if (bytes === undefined)
    throw invalidMessage(`tensor refers to buffer frame ${String(frame)} of ${incoming.buffers.length}`);
  if (incoming.used.has(index)) throw invalidMessage(`two tensors refer to buffer frame ${index}`);
  incoming.used.add(index);
  const expected = tensorBytes(dtype, shape);
  if (bytes.byteLength !== expected)
    throw invalidMessage(
      `${dtype} tensor [${shape.join(", ")}] needs ${expected} bytes, its frame has ${bytes.byteLength}`,
    );
  const size = elementSize(dtype);
  const aligned = bytes.buffer instanceof ArrayBuffer && bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return new Tensor(
    dtype,
    shape,
    new arrayConstructors[dtype](aligned.buffer as ArrayBuffer, aligned.byteOffset, expected / size),
  );
}

function readSegment(payload: unknown, incoming: Incoming | undefined): Tensor {
  if (incoming === undefined) throw invalidMessage("a tensor outside a message");
  const [dtype, shape, segment, offset] = fields(payload, 4);
  if (typeof segment !== "string" || !/^[a-z0-9-]{1,64}$/.test(segment))
    throw invalidMessage(`not a segment name: ${String(segment)}`);
  const aligned =
    Number.isSafeInteger(offset) && (offset as number) >= 0 && (offset as number) % segmentAlignment === 0;
  if (!aligned) throw invalidMessage(`not an offset: ${String(offset)}`);
  const range = { segment, offset: offset as number };
  const bytes = tensorBytes(dtype, shape);
  const { buffer, onRelease } = incoming.allocate(range, bytes);
  const tensor = new Tensor(dtype, shape, new arrayConstructors[dtype](buffer, 0, bytes / elementSize(dtype)), {
    onRelease,
  });
  incoming.reads.push({ tensor, ...range });
  return tensor;
}

function fields(payload: unknown, length: number): [DType, number[], unknown, unknown] {
  if (!Array.isArray(payload) || payload.length !== length)
    throw invalidMessage(`a tensor's extension holds ${length} items`);
  const [dtype, shape] = payload as unknown[];
  if (!isDType(dtype)) throw invalidMessage(`unknown dtype ${String(dtype)}`);
  if (!Array.isArray(shape) || shape.length > 32)
    throw invalidMessage("a tensor's shape is a list of up to 32 dimensions");
  return [dtype, shape as number[], payload[2], payload[3]];
}

/** For a connection without shared memory. */
export const noSegments: Allocate = () => {
  throw invalidMessage("a tensor in shared memory, which this connection does not use");
};

export function invalidMessage(reason: string, cause?: unknown): GlipError<"invalid_message"> {
  return new GlipError(
    "invalid_message",
    `The worker sent a message that does not fit the protocol: ${reason}`,
    { reason },
    { cause },
  );
}
