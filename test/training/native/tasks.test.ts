import { describe, expect, it } from "vitest";
import type { GlipError } from "../../../src/errors.ts";
import { finetuneRequest } from "../../../src/training/native/finetune.ts";
import type { NativeFinetuneOptions } from "../../../src/training/native/options.ts";
import { finetuneTasks } from "../../../src/training/native/tasks.ts";

// Another host's files are not looked for.
const handle = { local: false, home: undefined, model: undefined };
const train = { format: "scenes", folder: "/scenes" } as const;

const request = (given: Partial<NativeFinetuneOptions>) =>
  finetuneRequest(handle, { train, output: "/run", weights: "/model.safetensors", ...given }).params;

/** Of the losses, the settings and the asking, what is said. */
function said(given: Partial<NativeFinetuneOptions>) {
  const { losses, settings, asking } = request(given);
  const of = (all: object): object => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
  return [of(losses), settings, of(asking)];
}

const none = {};
const understanding = { understanding: {} };

describe("what a fine-tuning is for", () => {
  it("is said by its losses, unless it is said", () => {
    expect(said({})).toEqual([none, none, none]);
  });

  it.each<[Partial<NativeFinetuneOptions>, object[]]>([
    [{ task: "detect" }, [{ grounding: 1 }, none, { sentences_every: 0 }]],
    [{ task: "ground" }, [{ grounding: 1 }, none, { sentences_every: 1 }]],
    [{ task: "segment" }, [{ grounding: 1, masks: 1 }, { masks: {} }, none]],
    [{ task: "answer" }, [{ grounding: 0, answers: 1 }, understanding, none]],
    [{ task: "caption" }, [{ grounding: 0, captions: 1 }, understanding, none]],
    // What is said counts more.
    [{ task: "answer", losses: { answers: 2 } }, [{ grounding: 0, answers: 2 }, understanding, none]],
    [
      { task: "answer", losses: { grounding: 1, captions: 1 }, asking: { questions: 0.5 } },
      [{ grounding: 1, answers: 1, captions: 1 }, understanding, { questions: 0.5 }],
    ],
    [{ task: "segment", losses: { grounding: 0 } }, [{ grounding: 0, masks: 1 }, { masks: {} }, none]],
    [{ task: "ground", asking: { sentencesEvery: 2 } }, [{ grounding: 1 }, none, { sentences_every: 2 }]],
    [
      { task: "caption", settings: { understanding: { layers: 3 }, "text.dropout": 0 } },
      [{ grounding: 0, captions: 1 }, { understanding: { layers: 3 }, "text.dropout": 0 }, none],
    ],
    [
      { task: "caption", settings: { "understanding.layers": 3 } },
      [{ grounding: 0, captions: 1 }, { understanding: {}, "understanding.layers": 3 }, none],
    ],
    [{ task: "detect", method: "prompt" }, [{ grounding: 1 }, none, { sentences_every: 0 }]],
  ])("%j", (given, expected) => {
    expect(said(given)).toEqual(expected);
  });

  it.each<[Record<string, unknown>, string]>([
    [
      { task: "count" },
      `options.task: expected one of ${finetuneTasks.map((task) => `"${task}"`).join("|")}, got "count"`,
    ],
    [
      { task: "answer", losses: { answers: 0 } },
      'options.losses.answers: expected number >0 with options.task "answer", got 0',
    ],
    [
      { task: "caption", asking: { captions: 0 } },
      'options.asking.captions: expected number >0 with options.task "caption", got 0',
    ],
    [
      { task: "segment", losses: { masks: 0 } },
      'options.losses.masks: expected number >0 with options.task "segment", got 0',
    ],
    [
      { task: "ground", asking: { sentencesEvery: 0 } },
      'options.asking.sentencesEvery: expected number >0 with options.task "ground", got 0',
    ],
    [
      { task: "detect", losses: { grounding: 0 } },
      'options.losses.grounding: expected number >0 with options.task "detect", got 0',
    ],
    [
      { task: "answer", settings: { understanding: null } },
      'options.settings.understanding: expected an object or nothing with options.task "answer", got null',
    ],
    [
      { task: "answer", method: "prompt" },
      'options.task: expected "detect" with options.method "prompt", got "answer"',
    ],
  ])("%j is refused", (given, message) => {
    const error = refusal(given);
    expect(error.message).toBe(message);
    expect(error).toMatchObject({ code: "invalid_argument", details: { path: message.split(":")[0] } });
  });
});

function refusal(given: Partial<NativeFinetuneOptions>): GlipError {
  try {
    request(given);
  } catch (error) {
    return error as GlipError;
  }
  throw new Error("nothing was thrown");
}
