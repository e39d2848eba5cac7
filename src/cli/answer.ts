import type { Command } from "commander";
import { checkAnswer } from "../tasks/answer.ts";
import { checkOneThreshold, collectPhrase } from "./ground.ts";
import { addLookFlags, look, type LookFlags, lookOptionsOf, splitArguments } from "./look.ts";
import { wholeNumber } from "./model-flags.ts";

interface Flags extends LookFlags {
  answer: string[];
  top?: number;
}

export function addAnswer(program: Command): void {
  const command = program.command("answer").description("answer a question about a picture");
  addLookFlags(command, {
    example: '"how many dogs are there?"',
    what: "the question",
    limit: "show what the question speaks of that scores above it, 0 to 1",
  })
    .option(
      "--answer <text>",
      "a candidate (repeatable; default: those that the model was trained with)",
      collectPhrase,
      [],
    )
    .option("--top <n>", "show the best so many answers (default: 5)", wholeNumber)
    .action(run);
}

async function run(given: string[], flags: Flags): Promise<void> {
  const { names, text } = splitArguments(given, 'a question about it, e.g. "how many dogs are there?"');
  const options = {
    ...lookOptionsOf(flags),
    ...(flags.answer.length > 0 && { answers: flags.answer }),
    ...(flags.top !== undefined && { top: flags.top }),
  };
  await look(names, flags, {
    method: "vision.answer",
    check() {
      checkOneThreshold(flags);
      checkAnswer(text, options);
    },
    run: (glip, image, signal) => glip.answer(image, text, { ...options, signal }),
  });
}
