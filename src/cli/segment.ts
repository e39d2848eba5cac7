import type { Command } from "commander";
import type { Glip } from "../glip.ts";
import type { ImageInput } from "../images/source.ts";
import { checkSegment } from "../tasks/segment.ts";
import { categoriesOf } from "./detect.ts";
import { checkOneThreshold, collectPhrase } from "./ground.ts";
import { addLookFlags, look, type LookFlags, lookOptionsOf, splitArguments } from "./look.ts";

interface Flags extends LookFlags {
  caption?: boolean;
  phrase: string[];
}

export function addSegment(program: Command): void {
  const command = program.command("segment").description("find objects and their pixels");
  addLookFlags(command, {
    example: '"person, red car"',
    what: "the categories, with commas between them, or a sentence",
    limit: "show what scores above it, 0 to 1; NAME=SCORE for one category alone (repeatable)",
  })
    .option("--caption", "the text is a sentence: find what its phrases speak of")
    .option("--phrase <text>", "… and of them only this one (repeatable)", collectPhrase, [])
    .action(run);
}

async function run(given: string[], flags: Flags): Promise<void> {
  const { names, text } = splitArguments(given, 'what to look for in it, e.g. "person, red car"');
  const question = questionOf(text, flags);
  await look(names, flags, { method: "vision.detect", ...question });
}

function questionOf(text: string, flags: Flags) {
  const options = lookOptionsOf(flags);
  if (flags.caption || flags.phrase.length > 0) {
    const own = { ...options, ...(flags.phrase.length > 0 && { phrases: flags.phrase }) };
    return {
      check() {
        checkOneThreshold(flags);
        checkSegment(text, own);
      },
      run: (glip: Glip, image: ImageInput, signal: AbortSignal) => glip.segment(image, text, { ...own, signal }),
    };
  }
  const { categories, thresholds } = categoriesOf(text, flags);
  const own = { ...options, ...thresholds };
  return {
    check: () => void checkSegment(categories, own),
    run: (glip: Glip, image: ImageInput, signal: AbortSignal) => glip.segment(image, categories, { ...own, signal }),
  };
}
