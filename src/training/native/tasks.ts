import { GlipError } from "../../errors.ts";
import type { CheckedNativeFinetune } from "./schemas.ts";

export const finetuneTasks = ["detect", "ground", "segment", "answer", "caption"] as const;

/** What a fine-tuning is for: a verb of the handle. */
export type FinetuneTask = (typeof finetuneTasks)[number];

interface Meaning {
  losses: CheckedNativeFinetune["losses"];
  asking?: CheckedNativeFinetune["asking"];
  /** A part of the configuration that is added where the model lacks it. */
  head?: "masks" | "understanding";
  /** Without which it would be for something else. */
  needs: readonly ["losses" | "asking", string][];
}

/** Without a loss of boxes all steps ask questions, or tell captions. */
const meanings: { readonly [Task in FinetuneTask]: Meaning } = {
  detect: { losses: { grounding: 1 }, asking: { sentencesEvery: 0 }, needs: [["losses", "grounding"]] },
  ground: {
    losses: { grounding: 1 },
    asking: { sentencesEvery: 1 },
    needs: [
      ["losses", "grounding"],
      ["asking", "sentencesEvery"],
    ],
  },
  segment: { losses: { grounding: 1, masks: 1 }, head: "masks", needs: [["losses", "masks"]] },
  answer: {
    losses: { grounding: 0, answers: 1 },
    head: "understanding",
    needs: [
      ["losses", "answers"],
      ["asking", "questions"],
    ],
  },
  caption: {
    losses: { grounding: 0, captions: 1 },
    head: "understanding",
    needs: [
      ["losses", "captions"],
      ["asking", "captions"],
    ],
  },
};

/**
 * The options with what their task stands for; what they say themselves counts more.
 * @throws GlipError `invalid_argument`: they say what the task cannot be done with
 */
export function withTask(options: CheckedNativeFinetune): CheckedNativeFinetune {
  const { task, method, settings = {} } = options;
  if (task === undefined) return options;
  const { losses, asking = {}, head, needs } = meanings[task];
  const beside = ` with options.task "${task}"`;
  if (method === "prompt" && task !== "detect")
    throw invalid("options.task", `"detect" with options.method "prompt"`, JSON.stringify(task));
  for (const [group, name] of needs) {
    const value = (options[group] as Partial<Record<string, number>>)[name];
    if (value === 0) throw invalid(`options.${group}.${name}`, `number >0${beside}`, "0");
  }
  if (head !== undefined && settings[head] === null)
    throw invalid(`options.settings.${head}`, `an object or nothing${beside}`, "null");
  return {
    ...options,
    losses: { ...losses, ...options.losses },
    asking: { ...asking, ...options.asking },
    settings: head === undefined ? options.settings : { [head]: {}, ...settings },
  };
}

function invalid(path: string, expected: string, received: string): GlipError {
  const details = { path, expected, received };
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, details);
}
