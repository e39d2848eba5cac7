import type { CallOptions } from "../bridge/request.ts";
import type { MethodName, Params, Result } from "../protocol/methods.ts";

/** What a task needs of the handle. */
export interface Caller {
  /** Whether a path means the same file to the worker. */
  readonly local: boolean;
  call<Name extends MethodName>(method: Name, params: Params<Name>, options?: CallOptions): Promise<Result<Name>>;
}
