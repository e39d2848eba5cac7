import { describe, expect, it } from "vitest";
import { z } from "zod";
import { tensor, text, uint32 } from "../../src/protocol/fields.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { checkArgument, checkEvent, checkParams, checkResult } from "../../src/protocol/validate.ts";

describe("arguments", () => {
  const schema = z.strictObject({
    boxes: z.array(z.strictObject({ width: z.number().positive() })),
    image: tensor({ dtypes: ["uint8"], rank: 3 }).optional(),
    phrase: text.optional(),
    limit: uint32.optional(),
  });
  const image = Tensor.zeros("uint8", [2, 2, 3]);

  it("come back as they are when they fit", () => {
    const given = { boxes: [{ width: 1 }], image, phrase: "größer 🦆", limit: 2 ** 32 - 1 };
    const checked = checkArgument(schema, given, "options");
    expect(checked).toEqual(given);
    expect(checked.image).toBe(image);
  });

  const cases: [what: string, value: unknown, path: string, message: RegExp][] = [
    ["a number out of range", { boxes: [{ width: 1 }, { width: -3 }] }, "options.boxes[1].width", />0.*got -3/],
    ["a string for a number", { boxes: [{ width: "wide" }] }, "options.boxes[0].width", /number, got "wide"/],
    ["nothing for a list", {}, "options.boxes", /array, got undefined/],
    ["null", null, "options", /object, got null/],
    ["a long text", { boxes: "x".repeat(99) }, "options.boxes", /array, got "x{60}…"$/],
    [
      "an object without prototype",
      { boxes: Object.create(null) as unknown },
      "options.boxes",
      /array, got an object$/,
    ],
    ["half an integer", { boxes: [], limit: 1.5 }, "options.limit", /int.*got 1\.5/],
    ["a large integer", { boxes: [], limit: 2 ** 32 }, "options.limit", /got 4294967296/],
    ["half a character", { boxes: [], phrase: "\ud83e" }, "options.phrase", /without lone surrogates, got/],
    ["a field that does not exist", { boxes: [], boxen: 1 }, "options.boxen", /boxen/],
    ["an array for a tensor", { boxes: [], image: [1] }, "options.image", /a Tensor, uint8, rank 3, got an array of 1/],
    [
      "another dtype",
      { boxes: [], image: Tensor.zeros("int8", [1, 1, 1]) },
      "options.image",
      /got Tensor\(int8 \[1, 1, 1\]\)/,
    ],
    [
      "another rank",
      { boxes: [], image: Tensor.zeros("uint8", [1]) },
      "options.image",
      /rank 3, got Tensor\(uint8 \[1\]\)/,
    ],
  ];
  it.each(cases)("%s: refused by its path", (_, value, path, message) => {
    const refused = { code: "invalid_argument", message: expect.stringMatching(message) as string };
    expect(() => checkArgument(schema, value, "options")).toThrow(
      expect.objectContaining({ ...refused, details: expect.objectContaining({ path }) as object }),
    );
  });
});

describe("methods", () => {
  it("checks the parameters of declared methods only", () => {
    expect(checkParams("diagnostics.count", { steps: 1, pause_ms: 0 })).toEqual({ steps: 1, pause_ms: 0 });
    const negative = "params.steps: expected number >=0, got -1";
    expect(() => checkParams("diagnostics.count", { steps: -1, pause_ms: 0 })).toThrow(negative);
    const rank9 = { dtype: "int8", shape: Array.from({ length: 9 }, () => 1) };
    const tooMany = "params.shape: expected array with <=8 items, got an array of 9";
    expect(() => checkParams("diagnostics.generate", rank9)).toThrow(tooMany);
    const own = { anything: 1 };
    expect(checkParams("mine.method", own)).toBe(own);
    expect(checkParams("toString", own)).toBe(own);
  });

  it("checks results and events, and blames the worker", () => {
    expect(checkResult("diagnostics.count", { steps: 1 })).toEqual({ steps: 1 });
    expect(checkEvent("diagnostics.count", { step: 1 })).toEqual({ step: 1 });
    expect(checkResult("mine.method", 5)).toBe(5);
    const refused = {
      code: "invalid_message",
      message: expect.stringContaining("does not fit the protocol") as string,
    };
    const reason = /the result of diagnostics\.count does not fit its schema: result\.steps/;
    expect(() => checkResult("diagnostics.count", { steps: "1" })).toThrow(expect.objectContaining(refused));
    expect(() => checkResult("diagnostics.count", { steps: "1" })).toThrow(reason);
    expect(() => checkEvent("diagnostics.count", null)).toThrow(/the event of diagnostics\.count/);
  });
});
