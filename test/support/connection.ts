import type { OpenTransport, Transport, TransportOptions } from "../../src/bridge/transport.ts";
import type { Router } from "./router.ts";

/** A transport whose messages can be awaited one by one, and its end too. */
export interface Connection extends AsyncDisposable {
  transport: Transport;
  /** The next message, in order of arrival. */
  receive(): Promise<Uint8Array[]>;
  call(...frames: (Uint8Array | string)[]): Promise<Uint8Array[]>;
  /** What `onDown` was given. */
  down: Promise<Error>;
  downCount(): number;
}

export async function connect(
  open: OpenTransport,
  router: Pick<Router, "endpoint" | "curve">,
  options: Partial<TransportOptions> = {},
): Promise<Connection> {
  const inbox: Uint8Array[][] = [];
  const waiting: ((message: Uint8Array[]) => void)[] = [];
  let resolveDown: (error: Error) => void = () => {};
  const down = new Promise<Error>((resolve) => (resolveDown = resolve));
  let downs = 0;
  const handlers = {
    onMessage(message: Uint8Array[]) {
      const next = waiting.shift();
      if (next === undefined) inbox.push(message);
      else next(message);
    },
    onDown(error: Error) {
      downs++;
      resolveDown(error);
    },
  };
  const curve = router.curve === undefined ? {} : { curve: router.curve };
  const transport = await open({ endpoint: router.endpoint, ...curve, ...options }, handlers);
  const receive = (): Promise<Uint8Array[]> => {
    const message = inbox.shift();
    return message === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(message);
  };
  return {
    transport,
    receive,
    async call(...frames) {
      await transport.send(frames.map(bytes));
      return receive();
    },
    down,
    downCount: () => downs,
    async [Symbol.asyncDispose]() {
      transport.close();
    },
  };
}

export function bytes(content: Uint8Array | string): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}

/** Content that shows any shift, cut or repetition. */
export function pattern(length: number, seed = 0): Uint8Array {
  const content = new Uint8Array(length);
  let state = (seed * 2654435761 + 1) >>> 0;
  for (let index = 0; index < length; index++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    content[index] = state >>> 24;
  }
  return content;
}

/** Compares without the cost of a deep equality over megabytes. */
export function same(left: Uint8Array | undefined, right: Uint8Array): boolean {
  return left !== undefined && Buffer.compare(left, right) === 0;
}

/** Rejects when the promise takes longer than the bound. */
export async function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`took more than ${milliseconds} ms`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
