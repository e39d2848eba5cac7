import { inspect } from "node:util";
import { expect, it } from "vitest";
import { Tensor } from "../../src/protocol/tensor.ts";

const display = (tensor: Tensor): Record<string, string> =>
  (tensor as unknown as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]?.() ?? {};

it("shows dtype, shape and the first values in a notebook", () => {
  const tensor = Tensor.from("float32", [
    [0.1, 1 / 3],
    [1e-9, 123_456.789],
  ]);
  expect(display(tensor)).toEqual({
    "text/plain": "Tensor(float32 [2, 2]) 0.1, 0.333333, 1e-9, 123457",
    "text/html": "<div><b>Tensor</b> float32 [2 × 2]<br><code>0.1, 0.333333, 1e-9, 123457</code></div>",
  });
});

it("shows few values of many, and keeps integers whole", () => {
  expect(display(Tensor.zeros("bool", [1000]))["text/plain"]).toBe(
    `Tensor(bool [1000]) ${Array.from({ length: 12 }, () => "false").join(", ")}, …`,
  );
  expect(inspect(Tensor.from("int64", [2n ** 60n]))).toBe("Tensor(int64 [1]) 1152921504606846976");
  expect(inspect(Tensor.from("int32", [123_456_789]))).toBe("Tensor(int32 [1]) 123456789");
  expect(inspect(Tensor.from("float32", [NaN, Infinity, -0]))).toBe("Tensor(float32 [3]) NaN, Infinity, 0");
});

it("says that a tensor was released", () => {
  const tensor = Tensor.zeros("uint8", [2]);
  tensor.release();
  expect(display(tensor)["text/plain"]).toBe("Tensor(uint8 [2]) released");
});
