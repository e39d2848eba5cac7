import { GlipError, isGlipError } from "../errors.ts";
import { trainingMethods } from "../protocol/training.ts";

const { "training.finetune": finetune, "training.evaluate": evaluate } = trainingMethods;
const wireNames = [finetune.params, evaluate.params, finetune.params.shape.pieces].flatMap(({ shape }) =>
  Object.keys(shape),
);
const parameters: ReadonlySet<string> = new Set(wireNames);

/** What is called otherwise than the wire's snake_case in camelCase. */
const renamed: Readonly<Record<string, string>> = { validation: "val" };

/** The worker refuses a parameter, the caller gave an option: the error with the option's name. Any other error as it is. */
export function inOptionNames(error: unknown): unknown {
  if (!isGlipError(error, "invalid_argument")) return error;
  const { received } = error.details;
  const [, first = "", rest = ""] = /^(\w+)(.*)$/s.exec(error.details.path) ?? [];
  if (!parameters.has(first)) return error;
  const path = `options.${optionName(first)}${inText(rest)}`;
  const expected = inText(error.details.expected);
  const text = `${path}: expected ${expected}, got ${received}`;
  return new GlipError("invalid_argument", text, { path, expected, received }, { cause: error });
}

/** In a text only what has an underscore is surely a parameter and not just a word. */
function inText(text: string): string {
  return text.replace(/\b[a-z]+(?:_[a-z0-9]+)+\b/g, (word) => (parameters.has(word) ? optionName(word) : word));
}

function optionName(parameter: string): string {
  return renamed[parameter] ?? parameter.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
