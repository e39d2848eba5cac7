import type { Command } from "commander";
import { checkDetect } from "../tasks/detect.ts";
import { addLookFlags, look, type LookFlags, lookOptionsOf, splitArguments } from "./look.ts";

export function addDetect(program: Command): void {
  const command = program.command("detect").description("find objects of the named categories: any words, not a list");
  addLookFlags(command, {
    example: '"person, red car"',
    what: "the categories, with commas between them",
    limit: "show what scores above it, 0 to 1; NAME=SCORE for one category alone (repeatable)",
  }).action(run);
}

async function run(given: string[], flags: LookFlags): Promise<void> {
  const { names, text } = splitArguments(given, 'what to look for in it, e.g. "person, red car"');
  const { categories, thresholds } = categoriesOf(text, flags);
  const options = { ...lookOptionsOf(flags), ...thresholds };
  await look(names, flags, {
    method: "vision.detect",
    check: () => void checkDetect(categories, options),
    run: (glip, image, signal) => glip.detect(image, categories, { ...options, signal }),
  });
}

/** The categories that a text names, and the thresholds of those that have their own. */
export function categoriesOf(text: string, { threshold: { own } }: LookFlags) {
  const categories = text
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  return { categories, thresholds: Object.keys(own).length > 0 ? { thresholds: own } : {} };
}
