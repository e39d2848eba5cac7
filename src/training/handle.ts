import type { CallOptions } from "../bridge/request.ts";
import type { Stream } from "../bridge/stream.ts";
import type { Ready } from "../protocol/messages.ts";
import type { Event, Params, Result, StreamName } from "../protocol/methods.ts";
import type { LoadedModel } from "../worker/load-model.ts";

/** What training and evaluation need of the handle. */
export interface TrainingHandle {
  /** Whether a path means the same file to the worker. */
  readonly local: boolean;
  /** What the worker said of itself. */
  readonly info: Pick<Ready, "engine">;
  /** Where weights of the zoo are looked for. */
  readonly home: string | undefined;
  /** What the handle was launched with. */
  readonly model: LoadedModel | undefined;
  stream<Name extends StreamName>(
    method: Name,
    params: Params<Name>,
    options?: CallOptions,
  ): Stream<Event<Name>, Result<Name>>;
}
