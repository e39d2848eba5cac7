import type { GlipError } from "./errors.ts";
import type { Ready } from "./protocol/messages.ts";
import type { LogLine } from "./worker/log.ts";

/** What a handle tells its listeners. */
export interface GlipEvents {
  /** A line that a worker wrote. */
  log: LogLine;
  /** A worker is ready, for the first time or after a restart. */
  ready: Ready;
  /** A worker was lost; whether it restarts is `launch({ restart })`'s to say. */
  lost: GlipError;
}

/** Who listens to what. Made before the workers start, so that no log line is missed. */
export class Listeners {
  readonly #listeners: { [Name in keyof GlipEvents]: Set<(event: GlipEvents[Name]) => void> } = {
    log: new Set(),
    ready: new Set(),
    lost: new Set(),
  };

  add<Name extends keyof GlipEvents>(name: Name, listener: (event: GlipEvents[Name]) => void): () => void {
    this.#listeners[name].add(listener);
    return () => void this.#listeners[name].delete(listener);
  }

  emit<Name extends keyof GlipEvents>(name: Name, event: GlipEvents[Name]): void {
    for (const listener of this.#listeners[name]) listener(event);
  }
}
