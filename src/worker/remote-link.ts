import { Channel } from "../bridge/channel.ts";
import type { TransportChoice } from "../bridge/open.ts";
import { cancelledBy } from "../bridge/request.ts";
import type { CurveKeys } from "../bridge/transport.ts";
import { GlipError } from "../errors.ts";
import type { Logger } from "../logger.ts";
import type { Ready } from "../protocol/messages.ts";
import { Deadline } from "./deadline.ts";
import type { Link } from "./link.ts";
import { makePrivateDirectory, type PrivateDirectory } from "./private-directory.ts";

export interface RemoteOptions {
  endpoint: string;
  keys: CurveKeys | undefined;
  sdk: string;
  transport: TransportChoice;
  sharedMemory: boolean;
  heartbeat: { intervalMs: number; timeoutMs: number };
  /** How long the worker may take to say that it is ready. */
  startTimeoutMs: number;
  logger: Logger;
}

/**
 * Connects to a worker that somebody else started.
 * @throws GlipError `connection_refused`, `unauthorized`, `connection_lost`, `protocol_mismatch`, `deadline_exceeded`,
 *   `cancelled`, `invalid_argument` for tcp without keys
 */
export async function openRemoteLink(options: RemoteOptions, signal: AbortSignal): Promise<Link> {
  // One that is aborted already tells no listener.
  if (signal.aborted) throw cancelledBy("connect", signal.reason);
  const { endpoint, keys, startTimeoutMs } = options;
  const local = endpoint.startsWith("ipc://");
  if (!local && keys === undefined) {
    const details = { path: "options.keys", expected: "CURVE keys for a tcp:// endpoint", received: "none" };
    throw new GlipError(
      "invalid_argument",
      "options.keys: expected CURVE keys for a tcp:// endpoint (`glip keys` makes them), got none",
      details,
    );
  }
  const directory = local && options.sharedMemory ? makePrivateDirectory() : undefined;
  const timeout = new Deadline(startTimeoutMs);
  const stop = AbortSignal.any([signal, timeout.signal]);
  let link: RemoteLink | undefined;
  try {
    link = new RemoteLink(directory);
    const aborted = new Promise<never>((_, reject) =>
      stop.addEventListener("abort", () => reject(stop.reason as Error), { once: true }),
    );
    await Promise.race([link.connect(options), link.lost.then((error) => Promise.reject(error)), aborted]);
    return link;
  } catch (error) {
    await link?.close();
    if (signal.aborted) throw cancelledBy("connect", signal.reason);
    if (timeout.expired) {
      const text = `The worker at ${endpoint} accepted the connection but was not ready within ${startTimeoutMs} ms (startTimeoutMs allows it more)`;
      throw new GlipError("deadline_exceeded", text, { timeoutMs: startTimeoutMs });
    }
    throw error;
  } finally {
    timeout.end();
  }
}

class RemoteLink implements Link {
  /** Not even for ipc://: the socket may lead into a container, or to another user. */
  readonly local = false;
  readonly model = undefined;
  readonly window = undefined;
  readonly lost: Promise<GlipError>;
  readonly #directory: PrivateDirectory | undefined;
  #channel: Channel | undefined;
  #lose!: (error: GlipError) => void;
  #closed = false;

  constructor(directory: PrivateDirectory | undefined) {
    this.#directory = directory;
    this.lost = new Promise((resolve) => {
      this.#lose = resolve;
    });
  }

  get channel(): Channel {
    if (this.#channel === undefined) throw new Error("the link is not connected yet");
    return this.#channel;
  }

  get ready(): Ready {
    return this.channel.ready;
  }

  async connect(options: RemoteOptions): Promise<void> {
    this.#channel = await Channel.open({
      endpoint: options.endpoint,
      ...(options.keys && { curve: options.keys }),
      transport: options.transport,
      sdk: options.sdk,
      sharedMemory: this.#directory?.sharedMemory,
      heartbeatIntervalMs: options.heartbeat.intervalMs,
      heartbeatTimeoutMs: options.heartbeat.timeoutMs,
      logger: options.logger,
      onDown: (error) => this.#lose(error as GlipError),
    });
    if (this.#closed) return this.#channel.fail(closed());
    await this.#channel.hello();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#channel?.fail(closed());
    this.#directory?.remove();
    return Promise.resolve();
  }
}

function closed(): GlipError<"worker_closed"> {
  return new GlipError(
    "worker_closed",
    "The connection to the worker was closed while the call was running, or before it",
    {},
  );
}
