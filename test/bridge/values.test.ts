import { runInNewContext } from "node:vm";
import { describe, expect, it } from "vitest";
import { collectTensors } from "../../src/bridge/values.ts";
import { Tensor } from "../../src/protocol/tensor.ts";

const small = Tensor.zeros("uint8", [10]);
const large = Tensor.zeros("uint8", [1000]);

describe("values that can be sent", () => {
  it("are plain ones, and tensors anywhere among them", () => {
    const value = {
      plain: [
        null,
        undefined,
        true,
        1,
        -0.5,
        NaN,
        Infinity,
        "größer 🦆",
        2n ** 64n - 1n,
        -(2n ** 63n),
        new Uint8Array(9),
      ],
      bare: Object.assign(Object.create(null) as object, { a: 1 }),
      foreign: runInNewContext("({ list: [{}], text: 'x' })") as unknown,
      buffer: Buffer.from("x"),
      tensors: [small, { deep: large }, large],
    };
    expect([...collectTensors(value, 100, "params")]).toEqual([large]);
    expect([...collectTensors(value, 10, "params")]).toEqual([small, large]);
    expect([...collectTensors(value, Infinity, "params")]).toEqual([]);
  });
});

describe("values that cannot be sent are refused by their path", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = { again: cycle };
  let deep: unknown = 1;
  for (let level = 0; level < 200; level++) deep = [deep];
  class Box {}
  const cases: [what: string, value: unknown, message: RegExp][] = [
    [
      "a typed array",
      { a: [new Float32Array(2)] },
      /^params\.a\[0\]: expected .*, got Float32Array; wrap it: new Tensor/,
    ],
    ["an array buffer", { a: new ArrayBuffer(2) }, /^params\.a: .*got ArrayBuffer$/],
    ["a function", { a: { b: () => 1 } }, /^params\.a\.b: expected null, a boolean, .*, got function$/],
    ["a symbol", { a: Symbol("x") }, /^params\.a: expected/],
    ["a date", { a: new Date() }, /got Date$/],
    ["a map", { a: new Map() }, /got Map$/],
    ["a set", { a: new Set() }, /got Set$/],
    ["an error", { a: new Error("x") }, /got Error$/],
    ["a promise", { a: Promise.resolve() }, /got Promise$/],
    ["an instance of a class", { a: new Box() }, /got Box$/],
    [
      "half a character",
      { a: ["\ud83e"] },
      /^params\.a\[0\]: expected text that UTF-8 can carry, got a string with a lone surrogate/,
    ],
    ["half a character as a key", { a: { "\udd86": 1 } }, /^a key of params\.a: expected text that UTF-8 can carry/],
    ["a cycle", cycle, /expected values nested at most 100 deep, got deeper ones, or a cycle$/],
    ["deep nesting", { deep }, /expected values nested at most 100 deep/],
    ["a bigint too large", { a: 2n ** 64n }, /^params\.a: expected an integer of 64 bits, got a larger bigint/],
    ["a bigint too small", { a: -(2n ** 63n) - 1n }, /^params\.a: expected an integer of 64 bits/],
  ];
  it.each(cases)("%s", (_, value, message) => {
    const text = expect.stringMatching(message) as string;
    expect(() => collectTensors(value, 0, "params")).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: text }),
    );
  });
});
