import { awaitChannel, type ChannelWait } from "./await-channel.ts";
import type { Channel } from "./channel.ts";
import { type CallOptions, cancelledBy, type Request } from "./request.ts";
import { Stream, streamCredit } from "./stream.ts";

/** A call whose events are to be read on the way. */
export interface StreamCall {
  method: string;
  params: Record<string, unknown>;
  options: CallOptions;
  /** What an event and the result are checked with; what they throw ends the stream. */
  checkEvent: (value: unknown) => unknown;
  checkResult: (value: unknown) => unknown;
}

/** Starts a call on the channel as soon as there is one. Whatever goes wrong, the stream says so. */
export function openStream(
  channel: () => Channel | Promise<Channel>,
  call: () => StreamCall,
): Stream<unknown, unknown> {
  let waiting: ChannelWait | undefined;
  let started: { channel: Channel; request: Request } | undefined;
  let cancelled = false;
  const stream = new Stream<unknown, unknown>({
    grant: (events) => started?.channel.grant(started.request, events),
    cancel: () => {
      cancelled = true;
      waiting?.cancel();
      started?.request.cancel(undefined);
    },
  });
  const start = async (): Promise<void> => {
    const { method, params, options, checkEvent, checkResult } = call();
    const since = performance.now();
    const found = channel();
    waiting = found instanceof Promise ? awaitChannel(found, method, options) : undefined;
    const open = await (waiting?.channel ?? found);
    if (cancelled) throw cancelledBy(method, undefined);
    const timed = { ...options, since };
    const request = open.request(method, params, streamCredit, timed, {
      resolve: (value) => guard(() => stream.finish(checkResult(value))),
      reject: (error) => stream.fail(error),
      event: (value) => guard(() => stream.push(checkEvent(value))),
      ended: () => stream.end(),
    });
    started = { channel: open, request };
  };
  const guard = (deliver: () => void): void => {
    try {
      deliver();
    } catch (error) {
      stream.fail(error);
      started?.request.cancel(error);
    }
  };
  start().catch((error: unknown) => {
    stream.fail(error);
    stream.end();
  });
  return stream;
}
