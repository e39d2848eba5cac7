import { describe, expect, it } from "vitest";
import type { Params } from "../../src/protocol/methods.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import type { Caller } from "../../src/tasks/caller.ts";
import { embed } from "../../src/tasks/embed.ts";

/** Answers as a worker that found these objects, whose regions are told apart by their first number. */
function player(scores: number[], indices: number[], regions: Tensor<"float32">, texts: Tensor<"float32">) {
  const seen: Params<"vision.detect">[] = [];
  const found = {
    width: 10,
    height: 10,
    boxes: Tensor.zeros("float32", [scores.length, 4]),
    scores: Tensor.from("float32", scores),
    passes: 1,
    features: { regions, texts },
    masks: null,
  };
  const phrases = [
    { start: 0, end: 5 },
    { start: 10, end: 15 },
  ];
  const call = (method: string, params: Params<"vision.detect">): Promise<unknown> => {
    seen.push(params);
    const labels = Tensor.from("int32", indices);
    return Promise.resolve(
      method === "vision.detect" ? { ...found, categories: labels } : { ...found, phrases, phrase_indices: labels },
    );
  };
  // The tests ask for these two methods alone.
  return { caller: { local: true, call: call as Caller["call"] }, seen };
}

const image = Uint8Array.of(1);
const regions = Tensor.from("float32", [
  [3, 4],
  [0, 0],
  [6, 8],
]);
const texts = Tensor.from("float32", [
  [0, 2],
  [5, 12],
]);

describe("embed", () => {
  it("gives unit vectors, and the raw ones when asked", async () => {
    const { caller, seen } = player([0.9, 0.8, 0.7], [0, 1, 1], regions, texts);
    const unit = await embed(caller, image, ["dog", "cat"]);
    const rows = (tensor: Tensor<"float32">) =>
      (tensor.toArray() as number[][]).map((row) => row.map((x) => +x.toFixed(4)));
    expect(rows(unit.regions)).toEqual([
      [0.6, 0.8],
      [0, 0],
      [0.6, 0.8],
    ]);
    expect(rows(unit.texts)).toEqual([
      [0, 1],
      [0.3846, 0.9231],
    ]);
    expect(seen[0]?.features).toBe(true);
    const raw = await embed(caller, image, ["dog", "cat"], { normalize: false });
    expect([raw.regions, raw.texts]).toEqual([regions, texts]);
  });

  it("has a row for each object of a caption, in the objects' order", async () => {
    // Two of one score: the result has the one of the first phrase first, whatever the worker's order was.
    const { caller } = player([0.9, 0.5, 0.5], [1, 1, 0], regions, texts);
    const { found, regions: ordered } = await embed(caller, image, "a dog and a cat", { normalize: false });
    expect(found.objects.map(({ label, score }) => [label, score])).toEqual([
      ["a cat", expect.closeTo(0.9)],
      ["a dog", 0.5],
      ["a cat", 0.5],
    ]);
    expect(ordered.toArray()).toEqual([
      [3, 4],
      [6, 8],
      [0, 0],
    ]);
  });

  it("refuses what does not belong together, and options that do not exist", async () => {
    const { caller } = player([0.9, 0.8], [0, 1], regions, texts);
    await expect(embed(caller, image, ["dog", "cat"])).rejects.toMatchObject({ code: "invalid_message" });
    const options = { normalise: true } as object;
    await expect(embed(caller, image, ["dog"], options)).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(embed(caller, image, ["dog"], { normalize: 1 as unknown as boolean })).rejects.toThrow(
      "options.normalize: expected boolean, got 1",
    );
  });
});
