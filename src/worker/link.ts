import type { Channel } from "../bridge/channel.ts";
import type { GlipError } from "../errors.ts";
import type { Ready } from "../protocol/messages.ts";

/** A connection to a worker that is ready for calls. */
export interface Link {
  readonly channel: Channel;
  readonly ready: Ready;
  /** Resolves with the reason when the worker or the connection is lost; never after `close`. */
  readonly lost: Promise<GlipError>;
  /** Where the live window into Python listens; undefined when it was not asked for. */
  readonly window: string | undefined;
  /** Idempotent; resolves when nothing is left of it: process, files, handles. */
  close(): Promise<void>;
}

export type OpenLink = (signal: AbortSignal) => Promise<Link>;
