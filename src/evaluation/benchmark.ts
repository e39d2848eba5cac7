import { join, resolve } from "node:path";
import { z } from "zod";
import { type CocoDataset, cocoSchema } from "../datasets/coco.ts";
import { type CocoCaptionsDataset, cocoCaptionsSchema } from "../datasets/coco-captions.ts";
import { checkDatasetFiles } from "../datasets/check.ts";
import { type LvisDataset, lvisSchema } from "../datasets/lvis.ts";
import { glipHome } from "../environment/home.ts";
import { GlipError } from "../errors.ts";
import { text, uint32 } from "../protocol/fields.ts";
import type { Event, Params } from "../protocol/methods.ts";
import { checkArgument } from "../protocol/validate.ts";
import { inOptionNames } from "../training/refusals.ts";
import { convert, Run } from "../training/run.ts";
import { type BenchmarkName, benchmarkNames } from "./benchmark-metrics.ts";
import { BenchmarkResult, type PictureProblem } from "./benchmark-result.ts";
import type { EvaluationHandle } from "./scenes.ts";

/** A root folder, or a set of one's own. */
export type BenchmarkSource = string | CocoDataset | LvisDataset | CocoCaptionsDataset;

export interface EvaluateBenchmarkOptions<Name extends BenchmarkName = BenchmarkName> {
  /** docs/evaluation.md lists them. */
  benchmark: Name;
  /**
   * The folder below which the benchmark's files lie as its official layout has them; or a set of your own in the same
   * form, `coco("val.json", "images")`.
   */
  data: BenchmarkSource;
  /** The run's folder. Predictions come here while it runs. @default a new one in GLIP_HOME, or the cache directory */
  output?: string | undefined;
  /** Go on with the run in `output`: what is there is not asked for again. @default false */
  resume?: boolean | undefined;
  /** The first so many; of ODinW, of each set. @default all */
  pictures?: number | undefined;
  /** Measure the masks too, by a model that finds them; `phrasecut` does so whenever the model can. @default false */
  masks?: boolean | undefined;
  /**
   * A tuned prompt by the name that `usePrompts` gave it, for a benchmark of its categories.
   * @default none
   */
  prompt?: string | undefined;
  /** Of ODinW: these of its sets, by their names. The figures are means over them. @default all */
  sets?: readonly string[] | undefined;
  /**
   * What pictures that cannot be read do. `fail`: the others are asked for, and then it fails with all of them; mended, it
   * is resumed. `skip`: they are not measured. @default "fail"
   */
  problems?: "fail" | "skip" | undefined;
  /** Ends it between two pictures; it can be resumed. @default none */
  signal?: AbortSignal | undefined;
}

/** What a benchmark tells while it runs. */
export type BenchmarkEvent =
  | {
      type: "start";
      /** Pictures that will have been asked for, and those whose predictions were there already. */
      total: number;
      done: number;
      /** The run's folder. */
      output: string;
    }
  | {
      type: "progress";
      done: number;
      total: number;
      /** At work since it began or went on, and what is left. */
      seconds: number;
      etaSeconds: number;
    }
  | ({ type: "problem" } & PictureProblem)
  | { type: "scoring"; pictures: number };

const METHOD = "evaluate.benchmark";
const path = text.min(1).transform((file) => resolve(file));
const common = {
  benchmark: z.enum(benchmarkNames, `one of ${benchmarkNames.join(", ")}`),
  output: path.optional(),
  resume: z.boolean().default(false),
  pictures: uint32.min(1).optional(),
  masks: z.boolean().default(false),
  sets: z.array(text.min(1)).min(1).optional(),
  prompt: text.min(1).optional(),
  problems: z.enum(["fail", "skip"]).default("fail"),
  signal: z.instanceof(AbortSignal).optional(),
};
/** Of a folder, or of one's own set: a union of the two would not say where the mistake is. */
const schemas = {
  root: z.strictObject({ ...common, data: path }) satisfies z.ZodType<unknown, EvaluateBenchmarkOptions>,
  files: z.strictObject({
    ...common,
    data: z.discriminatedUnion("format", [cocoSchema, lvisSchema, cocoCaptionsSchema]),
  }) satisfies z.ZodType<unknown, EvaluateBenchmarkOptions>,
};

/** Whether `evaluateBenchmark` is meant. */
export function isOfBenchmark(options: object): options is EvaluateBenchmarkOptions {
  return "benchmark" in (options ?? {});
}

/** @throws GlipError `invalid_argument`, `file_error`, `unsupported` when the handle's engine cannot */
export function evaluateBenchmark<Name extends BenchmarkName>(
  handle: EvaluationHandle,
  options: EvaluateBenchmarkOptions<Name>,
): Run<BenchmarkEvent, BenchmarkResult<Name>> {
  const schema = typeof options.data === "object" ? schemas.files : schemas.root;
  const checked = checkArgument<z.output<(typeof schemas)["root" | "files"]>>(schema, options, "options");
  const { benchmark, data, resume, pictures = null, masks, sets = null, prompt = null, problems, signal } = checked;
  if (!handle.info.methods.includes(METHOD)) {
    const reason = `the worker's engine is ${handle.info.engine}, which has no model`;
    throw new GlipError("unsupported", `Cannot measure by ${benchmark}: ${reason}.`, { feature: METHOD, reason });
  }
  const { output = newFolder(handle, benchmark, resume) } = checked;
  if (handle.local && typeof data === "object") checkDatasetFiles(data, "options.data");
  const params = { benchmark, data: dataOf(data), output, resume, pictures, masks, sets, prompt, problems };
  const source = convert(handle.stream(METHOD, params, { signal }), {
    event: eventOf,
    result: (result) => new BenchmarkResult(options.benchmark, result),
    error: inOptionNames,
  });
  return new Run("Evaluation", output, source);
}

function dataOf(data: BenchmarkSource): Params<typeof METHOD>["data"] {
  if (typeof data === "string") return { type: "root", folder: data };
  return { type: "files", annotations: data.annotations, images: data.images };
}

/** A place that is told by the run, in the cache: whoever wants to find it again says `output`. */
function newFolder(handle: EvaluationHandle, benchmark: BenchmarkName, resume: boolean): string {
  if (handle.local && !resume) {
    const time = new Date().toISOString().replace(/[-:]/g, "").replace(/\..*/, "");
    const name = `${benchmark}-${time}-${String(process.pid)}-${String(counter++)}`;
    return resolve(join(glipHome(handle.home), "evaluations", name));
  }
  const expected = resume ? "the folder of the run that goes on" : "a folder on the worker's host";
  const details = { path: "options.output", expected, received: "nothing" };
  throw new GlipError("invalid_argument", `options.output: expected ${expected}, got nothing`, details);
}

let counter = 0;

function eventOf(event: Event<typeof METHOD>): BenchmarkEvent {
  if (event.type !== "progress") return event;
  const { eta_seconds: etaSeconds, ...rest } = event;
  return { ...rest, etaSeconds };
}
