import { GlipError, messageOf } from "../errors.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { type ClientMessage, protocolVersion, type Ready, type WorkerMessage } from "../protocol/messages.ts";
import { schemaHash } from "../protocol/schema-hash.ts";
import type { Tensor } from "../protocol/tensor.ts";
import { decodeMessage, encodeMessage, idOf, invalidMessage, noSegments, type SegmentRange } from "./codec.ts";
import { openTransport, type TransportChoice } from "./open.ts";
import { remoteError } from "./remote-error.ts";
import { Request, type RequestSinks, type TimedOptions } from "./request.ts";
import { SegmentReader, sharedMemoryLimits, SegmentWriter } from "./shared-memory.ts";
import { Slots } from "./slots.ts";
import { withResolvers } from "./with-resolvers.ts";
import { type Transport, transportDefaults, type TransportOptions } from "./transport.ts";
import { collectTensors } from "./values.ts";

export interface ChannelOptions extends TransportOptions {
  /** @default "auto" */
  transport?: TransportChoice;
  /** Version of this SDK, for the worker's log and its mismatch error. */
  sdk: string;
  /** Private directory on shared memory that the worker can reach too; undefined: tensors go as frames. */
  sharedMemory?: string | undefined;
  /** Called once when the connection is gone. Calls stay pending until `fail` says with which error they end. */
  onDown(error: Error): void;
}

/** One connection to one worker: numbers the requests, finds each answer's caller, keeps the limits of both sides. */
export class Channel {
  readonly #options: ChannelOptions;
  readonly #logger: Logger;
  readonly #requests = new Map<number, Request>();
  #transport!: Transport;
  #ready: Ready | undefined;
  #slots = new Slots(1);
  #writer: SegmentWriter | undefined;
  #reader: SegmentReader | undefined;
  #lastId = 0;
  #failure: Error | undefined;
  /** Messages wait here behind one whose tensors are still being read, so that order is kept. */
  #delivering: Promise<void> | undefined;

  private constructor(options: ChannelOptions) {
    this.#options = options;
    this.#logger = options.logger ?? silentLogger;
  }

  /** Connects. The worker takes calls after `hello`. @throws as `OpenTransport` */
  static async open(options: ChannelOptions): Promise<Channel> {
    const channel = new Channel(options);
    channel.#transport = await openTransport(options.transport ?? "auto", options, {
      onMessage: (frames) => channel.#receive(frames),
      onDown: (error) => options.onDown(error),
    });
    return channel;
  }

  get transport(): Transport["name"] {
    return this.#transport.name;
  }

  /** What the worker said of itself. Known after `hello`. */
  get ready(): Ready {
    if (this.#ready === undefined) throw new Error("the channel has not said hello yet");
    return this.#ready;
  }

  /** Calls that have not ended, those that the caller gave up included. */
  get pending(): number {
    return this.#requests.size;
  }

  /** Introduces this client and waits for the worker to be ready. @throws GlipError `protocol_mismatch` and as `fail` */
  async hello(): Promise<Ready> {
    const { promise, resolve, reject } = withResolvers<unknown>();
    const id = this.#register(new Request("hello", { resolve, reject }, "ready"));
    const { sdk, sharedMemory, maxFrameBytes = transportDefaults.maxFrameBytes } = this.#options;
    const hello = { sdk, protocol: protocolVersion, schema: schemaHash, max_frame_bytes: maxFrameBytes };
    this.#post({ kind: "hello", id, ...hello, shared_memory: sharedMemory ?? null });
    const ready = (await promise) as Ready;
    if (ready.protocol !== protocolVersion) throw mismatch("protocol", protocolVersion, ready.protocol);
    if (ready.schema !== schemaHash) throw mismatch("schema", schemaHash, ready.schema);
    if (ready.shared_memory && sharedMemory !== undefined) {
      this.#writer = new SegmentWriter(sharedMemory);
      this.#reader = new SegmentReader(sharedMemory);
    }
    this.#slots = new Slots(ready.limits.max_pending);
    this.#ready = ready;
    return ready;
  }

  /** One call, one result, not validated. @throws GlipError with the worker's code, or as `fail` */
  call(method: string, params: Record<string, unknown>, options: TimedOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => this.request(method, params, null, options, { resolve, reject }));
  }

  /** The general form of `call`: with `credit`, the request is a stream that may be so many events ahead. */
  request(
    method: string,
    params: Record<string, unknown>,
    credit: number | null,
    options: TimedOptions,
    sinks: RequestSinks,
  ): Request {
    const request = new Request(method, sinks);
    void this.#send(request, params, credit, options).catch((error: unknown) =>
      this.#end(request, () => request.reject(error)),
    );
    return request;
  }

  /** Allows a stream's worker that many more events. */
  grant(request: Request, events: number): void {
    if (request.open) this.#post({ kind: "credit", id: request.id, events });
  }

  /** Round-trip time to the worker's IO thread in milliseconds, whatever it is computing. */
  async ping(): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const started = performance.now();
    const id = this.#nextId();
    await new Promise<void>((resolve, reject) => {
      this.#requests.set(id, new Request("ping", { resolve: () => resolve(), reject }, "pong"));
      this.#post({ kind: "ping", id });
    });
    return performance.now() - started;
  }

  /** Ends every pending and every later call with this error, and the connection. */
  fail(error: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#transport.close();
    this.#writer?.close();
    this.#reader?.close();
    const requests = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of requests) {
      request.reject(error);
      request.end();
    }
    this.#slots.end();
  }

  async #send(
    request: Request,
    params: Record<string, unknown>,
    credit: number | null,
    options: TimedOptions,
  ): Promise<void> {
    const large = collectTensors(params, this.#writer === undefined ? Infinity : sharedMemoryLimits.minBytes, "params");
    request.watch(options, () => this.#post({ kind: "cancel", id: request.id }));
    const wait = this.#slots.take(options.signal);
    if (wait !== undefined) await wait;
    request.holdsSlot = true;
    if (this.#failure !== undefined) throw this.#failure;
    const placed = large.size > 0 ? await this.#place(large, request) : undefined;
    if (request.settled) return this.#end(request, () => {});
    this.#register(request);
    const message = {
      kind: "request",
      id: request.id,
      method: request.method,
      params,
      deadline_ms: request.remainingMs(),
      credit,
    } as const;
    const frames = encodeMessage(message, placed);
    const limit = this.ready.limits.max_frame_bytes;
    for (const { byteLength } of frames) if (byteLength > limit) throw tooLarge(request.method, byteLength, limit);
    await this.#transport.send(frames).catch((error: unknown) => {
      // A broken connection is `onDown`'s to report; `fail` then says why, in the same words to every call.
      this.#logger.debug(`not sent: ${messageOf(error)}`);
    });
  }

  async #place(tensors: Iterable<Tensor>, request: Request): Promise<Map<Tensor, SegmentRange>> {
    const placed = new Map<Tensor, SegmentRange>();
    for (const tensor of tensors) {
      const range = await this.#writer?.place(tensor);
      if (range === undefined) continue;
      placed.set(tensor, range);
      request.segments.push(range.segment);
    }
    if (this.#failure !== undefined) throw this.#failure;
    return placed;
  }

  #register(request: Request): number {
    if (this.#failure !== undefined) throw this.#failure;
    request.id = this.#nextId();
    this.#requests.set(request.id, request);
    return request.id;
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % (2 ** 32 - 1)) + 1;
    while (this.#requests.has(this.#lastId));
    return this.#lastId;
  }

  /** Sends a message that nothing waits for; a broken connection is `onDown`'s to report. */
  #post(message: ClientMessage): void {
    if (this.#failure !== undefined) return;
    this.#transport
      .send(encodeMessage(message))
      .catch((error: unknown) => this.#logger.debug(`not sent: ${messageOf(error)}`));
  }

  #receive(frames: Uint8Array[]): void {
    if (this.#failure !== undefined) return;
    try {
      const { message, reads } = decodeMessage(frames, this.#reader?.allocate ?? noSegments);
      if (reads.length > 0 || this.#delivering !== undefined) this.#deliverInOrder(message, reads);
      else this.#deliver(message);
    } catch (error) {
      this.#refuse(idOf(frames), error);
    }
  }

  #deliverInOrder(message: WorkerMessage, reads: Parameters<SegmentReader["fill"]>[0]): void {
    const filled = reads.length > 0 ? this.#reader?.fill(reads) : undefined;
    filled?.catch(() => {}); // reported below, in order
    const mine: Promise<void> = (this.#delivering ?? Promise.resolve())
      .then(async () => {
        await filled;
        if (this.#failure === undefined) this.#deliver(message);
      })
      .catch((error: unknown) => this.#refuse("id" in message ? message.id : 0, error))
      .finally(() => {
        if (reads.length > 0) this.#post({ kind: "release", segments: reads.map(({ segment }) => segment) });
        if (this.#delivering === mine) this.#delivering = undefined;
      });
    this.#delivering = mine;
  }

  #deliver(message: WorkerMessage): void {
    if (message.kind === "probe") return;
    if (message.kind === "goodbye") {
      this.#options.onDown(new GlipError("worker_closed", `The worker is closing: ${message.reason}`, {}));
      return;
    }
    const request = this.#requests.get(message.id);
    if (request === undefined) {
      this.#logger.warn(
        message.kind === "error"
          ? `worker: ${message.message}`
          : `dropped a ${message.kind} for request ${message.id}, which is not pending`,
      );
      return;
    }
    if (message.kind === "event") request.event(message.value);
    else if (message.kind === "error") this.#end(request, () => request.reject(remoteError(message)));
    else if (message.kind !== request.answer) {
      this.#refuse(
        message.id,
        invalidMessage(`a ${message.kind} answers ${request.method}, expected a ${request.answer}`),
      );
    } else this.#end(request, () => request.resolve(message.kind === "result" ? message.value : message));
  }

  /** A message that does not fit ends the request that it names, and nothing else. */
  #refuse(id: number, error: unknown): void {
    this.#logger.warn(messageOf(error));
    const request = this.#requests.get(id);
    if (request === undefined) return;
    // If it was not the last message, the rest is of no use either.
    if (request.answer === "result") this.#post({ kind: "cancel", id });
    this.#end(request, () => request.reject(error));
  }

  /** The worker is done with a request: what it held is free again. */
  #end(request: Request, settle: () => void): void {
    this.#requests.delete(request.id);
    if (request.holdsSlot) this.#slots.give();
    request.holdsSlot = false;
    this.#writer?.free(request.segments);
    settle();
    request.end();
  }
}

function mismatch(field: string, expected: unknown, received: unknown): GlipError<"protocol_mismatch"> {
  const details = { field, expected: String(expected), received: String(received) };
  const text =
    `The worker is of another version than this SDK (${field}: expected ${details.expected}, got ${details.received}): ` +
    "install the same version on both sides";
  return new GlipError("protocol_mismatch", text, details);
}

function tooLarge(method: string, bytes: number, limit: number): GlipError<"message_too_large"> {
  const text = `${method}: a frame of ${bytes} bytes is more than the ${limit} that the worker accepts; send it in parts or raise maxFrameBytes`;
  return new GlipError("message_too_large", text, { bytes, limit });
}
