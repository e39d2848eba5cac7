import type { Channel } from "../bridge/channel.ts";
import type { GlipError } from "../errors.ts";
import type { Ready } from "../protocol/messages.ts";
import type { LoadedModel } from "./load-model.ts";

/** A connection to a worker that is ready for calls. */
export interface Link {
  readonly channel: Channel;
  readonly ready: Ready;
  /** Resolves with the reason when the worker or the connection is lost; never after `close`. */
  readonly lost: Promise<GlipError>;
  /** Whether the worker is a child of this process: then a path means the same file to both. */
  readonly local: boolean;
  /** The model that was loaded as part of the start; undefined when none was, or by somebody else. */
  readonly model: LoadedModel | undefined;
  /** Where the live window into Python listens; undefined when it was not asked for. */
  readonly window: string | undefined;
  /** Idempotent; resolves when nothing is left of it: process, files, handles. */
  close(): Promise<void>;
}

export type OpenLink = (signal: AbortSignal) => Promise<Link>;
