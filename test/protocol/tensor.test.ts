import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { type DType, dtypes } from "../../src/protocol/dtype.ts";
import { elementCount, type NestedArray, Tensor, tensorBytes } from "../../src/protocol/tensor.ts";

const samples: Record<DType, { values: NestedArray; bytes: number[]; size: number }> = {
  float16: { values: [1, -2, 0.5], bytes: [0, 0x3c, 0, 0xc0, 0, 0x38], size: 2 },
  bfloat16: { values: [1, -2, 0.5], bytes: [0x80, 0x3f, 0, 0xc0, 0, 0x3f], size: 2 },
  float32: { values: [1, -2, 0.5], bytes: [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x3f], size: 4 },
  float64: { values: [1.5], bytes: [0, 0, 0, 0, 0, 0, 0xf8, 0x3f], size: 8 },
  int8: { values: [1, -2, 127], bytes: [1, 0xfe, 0x7f], size: 1 },
  int16: { values: [1, -2], bytes: [1, 0, 0xfe, 0xff], size: 2 },
  int32: { values: [1, -2], bytes: [1, 0, 0, 0, 0xfe, 0xff, 0xff, 0xff], size: 4 },
  int64: { values: [1n, -2n], bytes: [1, 0, 0, 0, 0, 0, 0, 0, 0xfe, ...Array<number>(7).fill(0xff)], size: 8 },
  uint8: { values: [1, 254], bytes: [1, 254], size: 1 },
  bool: { values: [true, false, true], bytes: [1, 0, 1], size: 1 },
};

describe.each(dtypes)("a tensor of %s", (dtype) => {
  const { values, bytes, size } = samples[dtype];
  const length = bytes.length / size;

  it("comes from numbers and gives them back", () => {
    const tensor = Tensor.from(dtype, values);
    expect([...tensor.bytes]).toEqual(bytes);
    expect(tensor.toArray()).toEqual(values);
    expect(tensor).toMatchObject({ dtype, shape: [length], size: length, rank: 1, byteLength: bytes.length });
    expect(tensor.at(-1)).toEqual((values as unknown[]).at(-1));
    expect([...tensor.toFloat32()]).toEqual((values as unknown[]).map(Number));
  });

  it("starts as zeros", () => {
    const tensor = Tensor.zeros(dtype, [2, 0, 3]);
    expect(tensor.toArray()).toEqual([[], []]);
    expect(Tensor.zeros(dtype, []).byteLength).toBe(size);
    expect(Number(Tensor.zeros(dtype, [4]).at(3))).toBe(0);
    expect(tensorBytes(dtype, [2, 3])).toBe(6 * size);
  });

  it("equals itself and nothing else", () => {
    const tensor = Tensor.from(dtype, values);
    expect(tensor.equals(Tensor.from(dtype, values))).toBe(true);
    expect(tensor.equals(Tensor.zeros(dtype, [length]))).toBe(false);
    expect(tensor.equals(tensor.reshape([length, 1]))).toBe(false);
    const zeros = Tensor.zeros(dtype, [length]);
    expect(dtypes.filter((other) => zeros.equals(Tensor.zeros(other, [length])))).toEqual([dtype]);
  });
});

describe("shapes", () => {
  const matrix = Tensor.from("int32", [
    [1, 2, 3],
    [4, 5, 6],
  ]);

  it("nests, flat values take a shape", () => {
    expect(matrix.shape).toEqual([2, 3]);
    expect(Object.isFrozen(matrix.shape)).toBe(true);
    expect(Tensor.from("int32", [1, 2, 3, 4, 5, 6], [2, 3]).equals(matrix)).toBe(true);
    expect(Tensor.from("float32", 7).shape).toEqual([]);
    expect(Tensor.from("float32", 7).at()).toBe(7);
    expect(Tensor.from("float32", 7).toArray()).toBe(7);
    expect(Tensor.from("uint8", [[], []]).shape).toEqual([2, 0]);
  });

  it("reads single elements from either end", () => {
    expect(matrix.at(1, 0)).toBe(4);
    expect(matrix.at(-1, -1)).toBe(6);
    expect(matrix.at(-2, 2)).toBe(3);
  });

  it("reshapes and slices without a copy", () => {
    const column = matrix.reshape([-1, 1]);
    expect(column.shape).toEqual([6, 1]);
    column.data[0] = 10;
    expect(matrix.at(0, 0)).toBe(10);
    matrix.data[0] = 1;
    expect(matrix.slice(1).toArray()).toEqual([[4, 5, 6]]);
    expect(matrix.slice(-1).toArray()).toEqual([[4, 5, 6]]);
    expect(matrix.slice(0, -1).toArray()).toEqual([[1, 2, 3]]);
    expect(matrix.slice(0, 99).shape).toEqual([2, 3]);
    expect(matrix.slice(2).shape).toEqual([0, 3]);
    expect(matrix.slice(1, 0).shape).toEqual([0, 3]);
    expect(matrix.slice(1).data.buffer).toBe(matrix.data.buffer);
  });

  it("shows float32 as it is and decodes the rest", () => {
    const floats = Tensor.from("float32", [1, 2]);
    expect(floats.toFloat32()).toBe(floats.data);
    expect(matrix.toFloat32()).not.toBe(matrix.data);
  });

  it("names itself", () => {
    expect(String(matrix)).toBe("Tensor(int32 [2, 3])");
    expect(inspect(matrix)).toBe("Tensor(int32 [2, 3]) 1, 2, 3, 4, 5, 6");
    expect(inspect(Tensor.zeros("bool", [7]))).toBe(`Tensor(bool [7]) ${"false, ".repeat(6)}…`);
    expect(Object.prototype.toString.call(matrix)).toBe("[object Tensor]");
  });
});

describe("release", () => {
  it("hands the memory back once, and ends the use", () => {
    let released = 0;
    const tensor = new Tensor("uint8", [1], new Uint8Array(1), { onRelease: () => released++ });
    tensor.release();
    tensor.release();
    tensor[Symbol.dispose]();
    expect(released).toBe(1);
    expect(() => tensor.data).toThrow("tensor: expected a tensor that is in use, got one that was released");
    expect(inspect(tensor)).toBe("Tensor(uint8 [1]) released");
  });

  it("means the same for memory that nobody wants back", () => {
    const tensor = Tensor.zeros("uint8", [1]);
    tensor.release();
    expect(() => tensor.bytes).toThrow("one that was released");
  });
});

describe("what does not fit is refused", () => {
  const vector = Tensor.zeros("int64", [3]);
  const cases: [what: string, make: () => unknown, message: string][] = [
    [
      "an unknown dtype",
      () => new Tensor("float8" as DType, [1], new Float32Array(1)),
      "dtype: expected one of float16, bfloat16, float32, float64, int8, int16, int32, int64, uint8, bool, got float8",
    ],
    ["zeros of an unknown dtype", () => Tensor.zeros("complex" as DType, [1]), "dtype: expected one of"],
    ["numbers of an unknown dtype", () => Tensor.from("toString" as DType, [1]), "dtype: expected one of"],
    [
      "another array",
      () => new Tensor("float32", [1], new Float64Array(1) as never),
      "data: expected a Float32Array for float32, got Float64Array",
    ],
    ["no array", () => new Tensor("float16", [1], [1] as never), "data: expected a Uint16Array for float16, got Array"],
    [
      "nothing",
      () => new Tensor("float16", [1], undefined as never),
      "data: expected a Uint16Array for float16, got undefined",
    ],
    [
      "too few elements",
      () => new Tensor("int8", [2, 2], new Int8Array(3)),
      "data: expected 4 elements for the shape [2, 2], got 3",
    ],
    ["a negative length", () => Tensor.zeros("int8", [2, -1]), "shape[1]: expected an integer >= 0, got -1"],
    ["half a length", () => Tensor.zeros("int8", [1.5]), "shape[0]: expected an integer >= 0, got 1.5"],
    [
      "more than can be counted",
      () => elementCount([2 ** 30, 2 ** 30]),
      "shape[1]: expected an integer >= 0, got 1073741824",
    ],
    [
      "ragged rows",
      () =>
        Tensor.from("int8", [
          [1, 2, 3],
          [4, 5, 6, 7],
          [8, 9],
        ]),
      "values[1]: expected an array of 3, got an array of 4",
    ],
    ["a row among numbers", () => Tensor.from("int8", [1, [2]]), "values[1]: expected a number, got an array of 1"],
    ["a number among rows", () => Tensor.from("int8", [[1], 2]), "values[1]: expected an array of 1, got a number"],
    [
      "a shape that differs",
      () => Tensor.from("int8", [1, 2], [3]),
      "data: expected 3 elements for the shape [3], got 2",
    ],
    ["a fraction as int64", () => Tensor.from("int64", [1, 1.5]), "values: expected integers for int64, got 1.5"],
    ["an index too few", () => vector.at(), "indices: expected 1 indices, got 0"],
    ["an index beyond", () => vector.at(3), "indices[0]: expected an integer from -3 to 2, got 3"],
    ["an index before", () => vector.at(-4), "indices[0]: expected an integer from -3 to 2, got -4"],
    ["half an index", () => vector.at(0.5), "indices[0]: expected an integer from -3 to 2, got 0.5"],
    ["a shape of another size", () => vector.reshape([2]), "data: expected 2 elements for the shape [2], got 3"],
    ["a rest that does not fit", () => vector.reshape([2, -1]), "shape[1]: expected an integer >= 0, got 1.5"],
    ["two rests", () => vector.reshape([-1, -1]), "data: expected 9 elements for the shape [3, 3], got 3"],
    [
      "a slice of a scalar",
      () => Tensor.zeros("int8", []).slice(0),
      "tensor: expected at least one axis, got a scalar",
    ],
  ];
  it.each(cases)("%s", (_, make, message) => {
    expect(make).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: expect.stringContaining(message) as string }),
    );
  });
});
