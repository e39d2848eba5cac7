import type { Channel } from "./channel.ts";
import { type CallOptions, Request } from "./request.ts";

/** A wait that its caller may leave. */
export interface ChannelWait {
  /** @throws GlipError `cancelled`, `deadline_exceeded`, `invalid_argument`, and why there is no channel */
  channel: Promise<Channel>;
  /** Ends it with `cancelled`. */
  cancel(): void;
}

/** Waits for the channel of a call, as while a worker restarts: the call's signal and its deadline count already. */
export function awaitChannel(found: Promise<Channel>, method: string, options: CallOptions): ChannelWait {
  let wait!: Request;
  const there = new Promise<void>((resolve, reject) => {
    wait = new Request(method, { resolve: () => resolve(), reject });
    wait.watch(options, () => {});
  });
  found.then(
    () => wait.resolve(undefined),
    (error: unknown) => wait.reject(error),
  );
  return { channel: there.then(() => found), cancel: () => wait.cancel(undefined) };
}
