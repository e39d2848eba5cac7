import { type Command, Option } from "commander";
import { GlipError } from "../errors.ts";
import { type CaptionOptions, checkCaption } from "../tasks/caption.ts";
import { checkOneThreshold } from "./ground.ts";
import { addLookFlags, look, type LookFlags, lookOptionsOf } from "./look.ts";
import { wholeNumber } from "./model-flags.ts";

interface Flags extends LookFlags {
  mode: NonNullable<CaptionOptions["mode"]>;
  beams?: number;
  temperature?: string;
  topP?: string;
  seed?: number;
  maxTokens?: number;
}

export function addCaption(program: Command): void {
  const command = program.command("caption").description("tell what is in a picture");
  const mode = new Option("--mode <mode>", "the likeliest words, the likeliest of several captions, or words by lot");
  addLookFlags(command, {
    example: "",
    what: "nothing",
    limit: "show what the caption speaks of that scores above it, 0 to 1",
  })
    .addOption(mode.choices(["greedy", "beam", "sample"]).default("greedy"))
    .option("--beams <n>", "of beam: captions that are followed at once (default: 4)", wholeNumber)
    .option("--temperature <number>", "of sample: below 1 the likely becomes likelier (default: 1)")
    .option("--top-p <number>", "of sample: the likeliest words of this probability together (default: 1)")
    .option("--seed <n>", "of sample: the same seed gives the same caption (default: 0)", wholeNumber)
    .option("--max-tokens <n>", "most word pieces (default: the model's)", wholeNumber)
    .action(run);
}

async function run(names: string[], flags: Flags): Promise<void> {
  const { mode, beams, temperature, topP, seed, maxTokens } = flags;
  const options = {
    ...lookOptionsOf(flags),
    mode,
    beams,
    temperature: temperature === undefined ? undefined : Number(temperature),
    topP: topP === undefined ? undefined : Number(topP),
    seed,
    maxTokens,
  };
  if (names.length === 0) {
    const details = { path: "arguments", expected: "a picture", received: "nothing" };
    throw new GlipError("invalid_argument", `expected ${details.expected}, got ${details.received}`, details);
  }
  await look(names, flags, {
    method: "vision.caption",
    check() {
      checkOneThreshold(flags);
      checkCaption(options);
    },
    run: (glip, image, signal) => glip.caption(image, { ...options, signal }),
  });
}
