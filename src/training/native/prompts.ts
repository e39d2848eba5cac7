import { resolve } from "node:path";
import { z } from "zod";
import { checkFile } from "../../datasets/check.ts";
import type { Params, Result } from "../../protocol/methods.ts";
import { text } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";

type CallEach = (params: Params<"model.prompts">) => Promise<Result<"model.prompts">[]>;

const schema = z.record(text.min(1), text.min(1));

/**
 * Loads tuned prompts in every worker.
 * @returns the categories of each by its name
 * @throws GlipError as `Glip.usePrompts`
 */
export async function usePrompts(
  prompts: Readonly<Record<string, string>>,
  local: boolean,
  callEach: CallEach,
): Promise<Record<string, string[]>> {
  const given = checkArgument(schema, prompts, "prompts");
  const paths = local ? mapValues(given, (file) => resolve(file)) : given;
  if (local) for (const [name, file] of Object.entries(paths)) checkFile(file, `prompts.${name}`);
  const [first] = await callEach({ prompts: paths });
  return first?.prompts ?? {};
}

function mapValues(given: Record<string, string>, change: (value: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [name, change(value)]));
}
