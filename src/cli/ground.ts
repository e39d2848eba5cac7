import type { Command } from "commander";
import { GlipError } from "../errors.ts";
import { checkGround } from "../tasks/ground.ts";
import { addLookFlags, look, type LookFlags, lookOptionsOf, splitArguments } from "./look.ts";

interface Flags extends LookFlags {
  phrase: string[];
}

export function addGround(program: Command): void {
  const command = program.command("ground").description("find what the phrases of a sentence speak of");
  addLookFlags(command, {
    example: '"a man holds an umbrella"',
    what: "the sentence",
    limit: "show what scores above it, 0 to 1",
  })
    .option(
      "--phrase <text>",
      "look for this piece of the sentence (repeatable; default: its noun phrases)",
      collectPhrase,
      [],
    )
    .action(run);
}

async function run(given: string[], flags: Flags): Promise<void> {
  const { names, text } = splitArguments(given, 'a sentence about it, e.g. "a man holds an umbrella"');
  const options = { ...lookOptionsOf(flags), ...(flags.phrase.length > 0 && { phrases: flags.phrase }) };
  await look(names, flags, {
    method: "vision.ground",
    check() {
      checkOneThreshold(flags);
      checkGround(text, options);
    },
    run: (glip, image, signal) => glip.ground(image, text, { ...options, signal }),
  });
}

/** For an option that is given several times. */
export function collectPhrase(value: string, all: string[]): string[] {
  return [...all, value];
}

/** Phrases have no thresholds of their own. @throws GlipError `invalid_argument` */
export function checkOneThreshold({ threshold: { own } }: LookFlags): void {
  const [name] = Object.keys(own);
  if (name === undefined) return;
  const details = { path: "--threshold", expected: "one score for all phrases", received: `one of ${name}` };
  const text = `${details.path}: expected ${details.expected}, got ${details.received}`;
  throw new GlipError("invalid_argument", text, details);
}
