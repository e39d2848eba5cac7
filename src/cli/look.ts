import { type Command, InvalidArgumentError, Option } from "commander";
import { GlipError, isGlipError } from "../errors.ts";
import type { Glip } from "../glip.ts";
import { checkDrawingFile } from "../images/save.ts";
import type { ImageInput } from "../images/source.ts";
import { launch } from "../launch.ts";
import type { MethodName } from "../protocol/methods.ts";
import { cancelled } from "../tasks/answer-each.ts";
import { inOrder } from "../tasks/in-order.ts";
import type { Answered } from "../tasks/results/answered.ts";
import type { Detections } from "../tasks/results/detections.ts";
import type { Grounding } from "../tasks/results/grounding.ts";
import { fail } from "./fail.ts";
import { addModelFlags, type ModelFlags, modelOptionsOf, wholeNumber } from "./model-flags.ts";
import { named } from "./named.ts";
import { type NamedPicture, namedPictures } from "./pictures.ts";
import { report } from "./report.ts";
import { Status } from "./status.ts";

/** What `glip detect`, `glip ground` and `glip segment` share. */
export interface LookFlags extends ModelFlags {
  threshold: Thresholds;
  maxObjects?: number;
  shortSide?: number;
  longSide?: number;
  save?: string;
  json?: boolean;
}

interface Thresholds {
  all: number;
  /** By category. */
  own: Record<string, number>;
}

/** What one of these commands is. */
export interface Look {
  method: MethodName;
  /** Throws where something is wrong, before a worker is started. */
  check(): void;
  run(glip: Glip, image: ImageInput, signal: AbortSignal): Promise<Detections | Grounding | Answered>;
}

/** Pictures under way at once: the next ones are read while one is computed. */
const AHEAD = 4;
const INTERRUPTED = 130;

/** Flags of all of them; `text` is the last argument: an example of it, and what it is for the help. */
export function addLookFlags(command: Command, text: { example: string; what: string; limit: string }): Command {
  const limit = new Option("--threshold <score>", text.limit);
  command
    .usage(`<picture...> ${text.example} [options]`)
    // Optional for commander, so that what is missing is said in our words.
    .argument("[arguments...]", `pictures: paths, URLs, or - for one on stdin; then ${text.what}`)
    .addOption(limit.argParser(threshold).default({ all: 0.5, own: {} } satisfies Thresholds, "0.5"))
    .option("--save <file>", "draw what was found into a .png, .jpg, .webp or .svg file; a folder for several pictures")
    .option("--json", "print a JSON object for each picture, one a line")
    .option("--max-objects <n>", "show the best so many at most", wholeNumber)
    .option(
      "--short-side <pixels>",
      "resize the picture to it before it is looked at (default: the model's)",
      wholeNumber,
    )
    .option("--long-side <pixels>", "… but its long side to no more (default: the model's)", wholeNumber);
  return addModelFlags(command);
}

/** The options that all of their verbs have. */
export function lookOptionsOf({ threshold: { all }, maxObjects, shortSide, longSide }: LookFlags) {
  return { threshold: all, maxObjects, shortSide, longSide };
}

/** The pictures' names, and the text after them. @throws GlipError `invalid_argument` */
export function splitArguments(given: readonly string[], expected: string): { names: string[]; text: string } {
  const text = given.at(-1);
  if (text !== undefined && given.length > 1) return { names: given.slice(0, -1), text };
  const received = text === undefined ? "nothing" : `only ${JSON.stringify(text)}`;
  const details = { path: "arguments", expected: `a picture and ${expected}`, received };
  throw new GlipError("invalid_argument", `expected ${details.expected}, got ${received}`, details);
}

/** Starts a worker, looks at each picture, and prints what was found in their order. */
export async function look(names: readonly string[], flags: LookFlags, given: Look): Promise<void> {
  const stop = new AbortController();
  const status = new Status();
  const interrupt = (): void => stop.abort(new Error("interrupted"));
  process.once("SIGINT", interrupt).once("SIGTERM", interrupt);
  try {
    const pictures = namedPictures(names, flags.save);
    given.check();
    for (const { save } of pictures) if (save !== undefined) await checkDrawingFile(save);
    status.show(`Starting the worker and loading ${flags.model ?? "its model"}`);
    const { device, threads, home, python } = flags;
    const options = { device, threads, home, interpreter: python, signal: stop.signal };
    await using glip = await launch({ ...modelOptionsOf(flags), ...options });
    checkMethod(glip, given.method);
    const ask = async (picture: NamedPicture, signal: AbortSignal) => given.run(glip, await picture.image(), signal);
    const answers = inOrder(pictures, ask, { concurrency: AHEAD, signal: stop.signal, onAbort: cancelled });
    for (const [index, picture] of pictures.entries()) {
      const place = pictures.length > 1 ? ` (${index + 1} of ${pictures.length})` : "";
      status.show(`Looking at ${picture.name}${place}`);
      const { value } = await answers.next();
      if (value === undefined) break;
      try {
        if ("error" in value) throw value.error;
        const saved = picture.save === undefined ? undefined : await value.answer.save(picture.save);
        status.clear();
        print(value.answer, picture, flags, saved);
      } catch (error) {
        status.clear();
        if (stop.signal.aborted || !isGlipError(error)) throw error;
        if (flags.json) console.log(JSON.stringify({ picture: picture.name, error }));
        fail(named(error));
      }
    }
  } catch (error) {
    status.clear();
    if (!stop.signal.aborted) throw named(error);
    process.exitCode = INTERRUPTED;
  } finally {
    status.clear();
    process.off("SIGINT", interrupt).off("SIGTERM", interrupt);
  }
}

function print(
  found: Detections | Grounding | Answered,
  { name }: NamedPicture,
  flags: LookFlags,
  saved?: string,
): void {
  if (flags.json) return console.log(JSON.stringify({ picture: name, ...found.toJSON(), ...(saved && { saved }) }));
  const { stdout } = process;
  const colors = stdout.isTTY ? [2 ** 24, 256].find((count) => stdout.hasColors(count)) : 0;
  console.log(report(found, { name, threshold: flags.threshold.all, colors: colors ?? 0 }));
  if (saved !== undefined) console.log(`Drawn into ${saved}`);
}

function checkMethod(glip: Glip, method: string): void {
  if (glip.info.methods.includes(method)) return;
  const { engine, methods } = glip.info;
  const remedy = methods.includes("vision.detect")
    ? "the native one does it (--engine native)"
    : "name one with --model";
  const reason = `the worker's engine is ${engine}, which ${methods.includes("vision.detect") ? `has no ${method}` : "has no model"}: ${remedy}`;
  throw new GlipError("unsupported", `Cannot look at pictures: ${reason} (\`glip weights list\`).`, {
    feature: method,
    reason,
  });
}

/** `0.4`, or `dog=0.3`. */
function threshold(given: string, { all, own }: Thresholds): Thresholds {
  const at = given.lastIndexOf("=");
  const text = given.slice(at + 1).trim();
  const value = Number(text);
  if (text === "" || Number.isNaN(value)) throw new InvalidArgumentError("expected SCORE or NAME=SCORE");
  return at === -1 ? { all: value, own } : { all, own: { ...own, [given.slice(0, at).trim()]: value } };
}
