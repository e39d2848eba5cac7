import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { z } from "zod";
import type { Stream } from "../../bridge/stream.ts";
import { GlipError } from "../../errors.ts";
import { text } from "../../protocol/fields.ts";
import type { RunDone, RunEvent } from "../../protocol/run-events.ts";
import { checkArgument } from "../../protocol/validate.ts";
import type { TrainingEvent } from "../events.ts";
import { fromRunEvent } from "../native/events.ts";
import { inOptionNames } from "../refusals.ts";
import { TrainResult } from "../results.ts";
import { convert, type RunSource } from "../run.ts";
import { TrainingRun } from "../training-run.ts";
import { folderControl } from "./control.ts";
import { runFiles } from "./files.ts";
import { followRun } from "./follow.ts";

export interface AttachOptions {
  /** Ends the watching; the run goes on. @default none */
  signal?: AbortSignal | undefined;
}

const schema = z.strictObject({ signal: z.instanceof(AbortSignal).optional() }) satisfies z.ZodType<
  unknown,
  AttachOptions
>;

/**
 * The run of the engine native in a folder of this host, whether it runs or has ended, whoever started it: what it has
 * done so far, then what it does. Leaving the loop, `cancel()` and the end of an `await using` block end the watching
 * alone; `stop()` ends the run.
 *
 * @param folder the `output` of the run
 * @throws GlipError `invalid_argument`, `file_error` when no run is there; from the iteration and the result: what the run
 *   failed with, `training_failed` when it was killed
 */
export function attachRun(folder: string, options: AttachOptions = {}): TrainingRun {
  const output = resolve(checkArgument(text.min(1), folder, "folder"));
  const { signal } = checkArgument(schema, options, "options");
  const events = join(output, runFiles.events);
  if (!statSync(events, { throwIfNoEntry: false })?.isFile()) {
    const reason = `there is no ${runFiles.events} in it`;
    throw new GlipError("file_error", `No run in ${output}: ${reason}`, { path: output, reason });
  }
  const source = lazily(() => followed(followRun(output, { from: "all", signal })));
  return new TrainingRun("Training", output, source, folderControl(output, -Infinity));
}

/** A followed run as it is told to the caller. */
export function followed(stream: Stream<RunEvent, RunDone>): RunSource<TrainingEvent, TrainResult> {
  return convert(stream, {
    event: fromRunEvent,
    result: (done) => new TrainResult(done),
    error: inOptionNames,
  });
}

/** Nobody reads a folder on and on for one who asks nothing of it. */
function lazily<Event, Result>(make: () => RunSource<Event, Result>): RunSource<Event, Result> {
  let made: RunSource<Event, Result> | undefined;
  const source = (): RunSource<Event, Result> => (made ??= make());
  return {
    [Symbol.asyncIterator]: () => source()[Symbol.asyncIterator](),
    get result() {
      return source().result;
    },
    get ended() {
      return made === undefined ? Promise.resolve() : made.ended;
    },
    cancel: () => source().cancel(),
  };
}
