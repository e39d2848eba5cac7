import { GlipError } from "../../errors.ts";
import type { Params } from "../../protocol/methods.ts";
import type { TrainingEvent } from "../events.ts";
import { followed } from "../folder/attach.ts";
import { folderControl, noControl } from "../folder/control.ts";
import { followRun } from "../folder/follow.ts";
import type { TrainingHandle } from "../handle.ts";
import { inOptionNames } from "../refusals.ts";
import { TrainResult } from "../results.ts";
import { convert, type RunSource } from "../run.ts";
import { TrainingRun } from "../training-run.ts";
import { fromRunEvent } from "./events.ts";

/** What the request for a run needs of the handle: not that there is a worker already. */
export type RequestHandle = Pick<TrainingHandle, "local" | "home" | "model">;

export interface RunRequest {
  params: Params<"training.run">;
  signal: AbortSignal | undefined;
}

const METHOD = "training.run";

/** Sends a run to the worker. A detached one on this host is followed in its folder, whatever becomes of the worker. */
export function startRun(
  handle: TrainingHandle,
  name: string,
  params: Params<"training.run">,
  signal: AbortSignal | undefined,
): TrainingRun {
  const since = Date.now();
  const stream = handle.stream(METHOD, params, { signal });
  const sent = convert(stream, {
    event: fromRunEvent,
    result: (result) => new TrainResult(result),
    error: inOptionNames,
  });
  const source = params.detached && handle.local ? detached(sent, params.output, signal) : sent;
  const control = handle.local
    ? folderControl(params.output, since, source.ended)
    : noControl("stop", "it is on another host, and is asked there (`glip attach RUN_DIR --stop`)");
  return new TrainingRun(name, params.output, source, control);
}

/** The call of a detached run ends when the run has begun: its folder has the rest. */
function detached(
  sent: RunSource<TrainingEvent, TrainResult>,
  output: string,
  signal: AbortSignal | undefined,
): RunSource<TrainingEvent, TrainResult> {
  const begun = sent.result.then(() => followed(followRun(output, { from: "session", signal })));
  // Whoever asks learns of it; nobody may.
  begun.catch(() => {});
  return {
    async *[Symbol.asyncIterator]() {
      yield* await begun;
    },
    get result() {
      return begun.then(({ result }) => result);
    },
    get ended() {
      return begun.then(
        ({ ended }) => ended,
        () => sent.ended,
      );
    },
    cancel: () => {
      sent.cancel();
      begun.then(
        (source) => source.cancel(),
        () => {},
      );
    },
  };
}

/** @throws GlipError `invalid_argument` */
export function checkLength({ steps, epochs }: { steps?: number | undefined; epochs?: number | undefined }): void {
  if (steps === undefined || epochs === undefined) return;
  const details = { path: "options.epochs", expected: "nothing beside options.steps", received: String(epochs) };
  throw new GlipError("invalid_argument", `${details.path}: expected ${details.expected}, got ${epochs}`, details);
}
