import { GlipError, isGlipError } from "../errors.ts";
import { evaluation } from "../protocol/evaluation.ts";
import { nativeTraining } from "../protocol/native-training.ts";
import { trainingMethods } from "../protocol/training.ts";

const { "training.finetune": finetune, "training.evaluate": evaluate } = trainingMethods;
const { params: native } = nativeTraining["training.run"];
const { params: measured } = evaluate;
const { params: tuned } = finetune;
const { params: benchmark } = evaluation["evaluate.benchmark"];
const schemas = [tuned, tuned.shape.pieces, measured, native, native.shape.asking, benchmark];
const wireNames = schemas.flatMap(({ shape }) => Object.keys(shape));
const parameters: ReadonlySet<string> = new Set(wireNames);

/** What is called otherwise than the wire's snake_case in camelCase. */
const renamed = [
  [/^validation\b/, "val"],
  [/^replay\.sources\b/, "replay.data"],
  [/^replay\.validation\b/, "replay.val"],
] as const;

/** The worker refuses a parameter, the caller gave an option: the error with the option's name. Any other error as it is. */
export function inOptionNames(error: unknown): unknown {
  if (!isGlipError(error, "invalid_argument")) return error;
  const { received } = error.details;
  const [, first = "", rest = ""] = /^(\w+)(.*)$/s.exec(error.details.path) ?? [];
  if (!parameters.has(first)) return error;
  const other = renamed.find(([wire]) => wire.test(error.details.path));
  const path =
    other === undefined
      ? `options.${optionName(first)}${inText(rest)}`
      : `options.${error.details.path.replace(other[0], other[1])}`;
  const expected = inText(error.details.expected);
  const text = `${path}: expected ${expected}, got ${received}`;
  return new GlipError("invalid_argument", text, { path, expected, received }, { cause: error });
}

/** In a text only what has an underscore is surely a parameter and not just a word. */
function inText(text: string): string {
  return text.replace(/\b[a-z]+(?:_[a-z0-9]+)+\b/g, (word) => (parameters.has(word) ? optionName(word) : word));
}

function optionName(parameter: string): string {
  return parameter.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
