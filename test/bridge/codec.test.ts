import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { type Allocate, decodeMessage, encodeMessage, idOf, noSegments } from "../../src/bridge/codec.ts";
import { isGlipError } from "../../src/errors.ts";
import { dtypes, elementSize } from "../../src/protocol/dtype.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { pattern } from "../support/connection.ts";
import { extension, header } from "../support/raw-message.ts";

const packr = new Packr({ useRecords: false });

/** A result with this value, as the worker sends it. */
const result = (value: unknown, ...buffers: Uint8Array[]): Uint8Array[] => [
  header({ kind: "result", id: 7, value }),
  ...buffers,
];
const inFrame = (...payload: unknown[]): unknown => extension(0x54, packr.pack(payload));
const inSegment = (...payload: unknown[]): unknown => extension(0x53, packr.pack(payload));

function decodeValue(frames: Uint8Array[], allocate: Allocate = noSegments): unknown {
  const { message } = decodeMessage(frames, allocate);
  return message.kind === "result" ? message.value : message;
}

describe("tensors in frames", () => {
  it.each(dtypes)("%s: go out without a copy and come back", (dtype) => {
    const bytes = pattern(6 * elementSize(dtype));
    if (dtype === "bool") bytes.forEach((byte, index) => (bytes[index] = byte & 1));
    const tensor = decodeValue(result(inFrame(dtype, [2, 3], 0), bytes)) as Tensor;
    expect(tensor).toMatchObject({ dtype, shape: [2, 3] });
    expect(tensor.bytes).toEqual(bytes);
    expect(tensor.data.buffer).toBe(bytes.buffer);
    const [, ...buffers] = encodeMessage({
      kind: "request",
      id: 1,
      method: "m",
      params: { tensor },
      deadline_ms: null,
      credit: null,
    });
    expect(buffers.map((buffer) => buffer.buffer)).toEqual([tensor.data.buffer]);
  });

  it("are copied where they lie askew", () => {
    const whole = pattern(41);
    const tensor = decodeValue(result(inFrame("float64", [5], 0), whole.subarray(1))) as Tensor;
    expect(tensor.bytes).toEqual(whole.slice(1));
  });

  it("keep their frames apart", () => {
    const value = decodeValue(
      result({ a: inFrame("uint8", [1], 1), b: inFrame("uint8", [1], 0) }, Uint8Array.of(1), Uint8Array.of(2)),
    ) as Record<string, Tensor>;
    expect([value["a"]?.toArray(), value["b"]?.toArray()]).toEqual([[2], [1]]);
  });

  it("may be scalars or empty", () => {
    expect((decodeValue(result(inFrame("int32", [], 0), new Uint8Array(4))) as Tensor).rank).toBe(0);
    expect((decodeValue(result(inFrame("int32", [0, 3], 0), new Uint8Array(0))) as Tensor).size).toBe(0);
  });
});

describe("tensors in segments", () => {
  it("are announced with the place they are to be read from", () => {
    let released = 0;
    const allocate: Allocate = (_, bytes) => ({ buffer: new ArrayBuffer(bytes), onRelease: () => released++ });
    const { reads } = decodeMessage(result(inSegment("int16", [3], "w-0", 64)), allocate);
    expect(reads).toMatchObject([{ segment: "w-0", offset: 64, tensor: { dtype: "int16", shape: [3] } }]);
    reads[0]?.tensor.release();
    expect(released).toBe(1);
  });

  it("go out as a reference only", () => {
    const tensor = Tensor.zeros("uint8", [100_000]);
    const frames = encodeMessage(
      { kind: "request", id: 1, method: "m", params: { tensor }, deadline_ms: null, credit: null },
      new Map([[tensor, { segment: "c-1", offset: 0 }]]),
    );
    expect(frames.length).toBe(1);
    expect(frames[0]?.byteLength).toBeLessThan(200);
  });
});

describe("values", () => {
  it("keep 64-bit integers exact, and numbers where they are exact", () => {
    const value = decodeValue([
      Uint8Array.of(
        ...header({ kind: "result", id: 1 }, 3),
        0xa5,
        ...Buffer.from("value"),
        0x93,
        0xcf,
        ...Array<number>(8).fill(0xff),
        0xd3,
        0x80,
        ...Array<number>(7).fill(0),
        0xcf,
        0,
        0x1f,
        ...Array<number>(6).fill(0xff),
      ),
    ]);
    expect(value).toEqual([2n ** 64n - 1n, -(2n ** 63n), Number.MAX_SAFE_INTEGER]);
  });

  it("copy bytes, so that they do not hold the message", () => {
    const frames = result({ bytes: Buffer.from("abc") });
    const { bytes } = decodeValue(frames) as { bytes: Uint8Array };
    expect(Buffer.from(bytes).toString()).toBe("abc");
    expect(bytes.buffer).not.toBe(frames[0]?.buffer);
  });

  it("do not reach a prototype", () => {
    const frames = [
      Uint8Array.of(
        ...header({ kind: "result", id: 1 }, 3),
        0xa5,
        ...Buffer.from("value"),
        0x81,
        0xa9,
        ...Buffer.from("__proto__"),
        0x81,
        0xa1,
        0x78,
        1,
      ),
    ];
    const value = decodeValue(frames) as Record<string, unknown>;
    expect(value["x"]).toBeUndefined();
    expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
  });
});

describe("what does not fit is refused as invalid_message, and its request is known", () => {
  const value = [0xa5, ...Buffer.from("value")];
  const nested = Uint8Array.from([
    ...header({ kind: "result", id: 7 }, 3),
    ...value,
    ...Array<number>(200_000).fill(0x91),
    0,
  ]);
  const four = new Uint8Array(4);
  const cases: [what: string, frames: Uint8Array[], message: string | RegExp, id: number][] = [
    ["no header", [], "a message without a header", 0],
    ["an empty header", [new Uint8Array(0)], "the header is not msgpack", 0],
    ["a byte that msgpack does not have", [Uint8Array.of(0xc1)], "the protocol:", 0],
    ["half a header", [header({ kind: "result", id: 7, value: "x" }).slice(0, -1)], "the header is not msgpack", 0],
    ["more behind the header", [Uint8Array.of(...header({ kind: "probe" }), 0)], "the header is not msgpack", 0],
    ["deep nesting", [nested], "the header is not msgpack: Maximum call stack", 0],
    ["a list of 2^32-1 items in five bytes", [Uint8Array.of(0xdd, 255, 255, 255, 255)], "the header is not msgpack", 0],
    ["a map of 2^32-1 items in five bytes", [Uint8Array.of(0xdf, 255, 255, 255, 255)], "the header is not msgpack", 0],
    ["a number", [packr.pack(5)], "header: Invalid input", 0],
    ["null", [packr.pack(null)], "header: Invalid input", 0],
    ["no kind", [header({ id: 7 })], "kind: Invalid", 7],
    ["an unknown kind", [header({ kind: "x", id: 7 })], "kind: Invalid", 7],
    ["a client's kind", [header({ kind: "cancel", id: 7 })], "kind: Invalid", 7],
    ["a field too many", [header({ kind: "result", id: 7, value: 1, extra: 1 })], 'Unrecognized key: "extra"', 7],
    ["a field too few", [header({ kind: "event", id: 7, value: 1 })], "seq: Invalid input: expected number", 7],
    [
      "a field of another type",
      [header({ kind: "event", id: 7, seq: "1", value: 1 })],
      "seq: Invalid input: expected number",
      7,
    ],
    ["an id that is none", [header({ kind: "result", id: -7, value: 1 })], "id: Too small", 0],
    ["an unknown extension", result(extension(0x11, four)), "the header is not msgpack: Unknown extension type 17", 0],
    ["an empty extension", result(extension(0x54, new Uint8Array(0))), "the protocol:", 7],
    [
      "an extension of something else",
      result(extension(0x54, packr.pack("x"))),
      "a tensor's extension holds 3 items",
      7,
    ],
    ["an extension cut short", result(extension(0x54, Uint8Array.of(0x93, 0xa5))), "the protocol:", 7],
    ["an extension with more", result(inFrame("int32", [1], 0, 0), four), "a tensor's extension holds 3 items", 7],
    ["an unknown dtype", result(inFrame("float8", [4], 0), four), "unknown dtype float8", 7],
    ["a dtype of the prototype", result(inFrame("constructor", [4], 0), four), "unknown dtype constructor", 7],
    [
      "a shape that is none",
      result(inFrame("int32", 1, 0), four),
      "a tensor's shape is a list of up to 32 dimensions",
      7,
    ],
    ["a shape too long", result(inFrame("int32", Array<number>(33).fill(1), 0), four), "a tensor's shape is a list", 7],
    ["a negative length", result(inFrame("int32", [-1], 0), four), "shape[0]: expected an integer >= 0, got -1", 7],
    ["a text as length", result(inFrame("int32", ["1"], 0), four), "the protocol: a tensor: shape[0]", 7],
    ["a length that cannot be counted", result(inFrame("int32", [2 ** 52, 2 ** 52], 0), four), "shape[1]: expected", 7],
    ["a bigint as length", result(inFrame("int32", [2n ** 63n], 0), four), "the protocol:", 7],
    ["a frame that is not there", result(inFrame("int32", [1], 1), four), "tensor refers to buffer frame 1 of 1", 7],
    ["a frame below 0", result(inFrame("int32", [1], -1), four), "tensor refers to buffer frame -1 of 1", 7],
    ["half a frame", result(inFrame("int32", [1], 0.5), four), "tensor refers to buffer frame 0.5 of 1", 7],
    [
      "a frame twice",
      result([inFrame("int32", [1], 0), inFrame("int32", [1], 0)], four),
      "two tensors refer to buffer frame 0",
      7,
    ],
    ["a frame too short", result(inFrame("int32", [2], 0), four), "int32 tensor [2] needs 8 bytes, its frame has 4", 7],
    [
      "a segment on a connection without",
      result(inSegment("int32", [1], "w-0", 0)),
      "a tensor in shared memory, which this connection does not use",
      7,
    ],
    ["a segment outside of the folder", result(inSegment("int32", [1], "../w-0", 0)), "not a segment name: ../w-0", 7],
    ["a segment without a name", result(inSegment("int32", [1], "", 0)), "not a segment name: ", 7],
    ["a segment by number", result(inSegment("int32", [1], 5, 0)), "not a segment name: 5", 7],
    ["an offset below 0", result(inSegment("int32", [1], "w-0", -64)), "not an offset: -64", 7],
    ["an offset askew", result(inSegment("int32", [1], "w-0", 3)), "not an offset: 3", 7],
  ];
  it.each(cases)("%s", (_, frames, message, id) => {
    const decode = (): unknown => decodeMessage(frames, noSegments);
    let error: unknown;
    try {
      decode();
    } catch (thrown) {
      error = thrown;
    }
    expect(isGlipError(error, "invalid_message"), String(error)).toBe(true);
    expect((error as Error).message).toContain(message);
    expect(idOf(frames)).toBe(id);
    // The next message is read as if nothing had been.
    expect(decodeValue(result([1, { two: "three" }]))).toEqual([1, { two: "three" }]);
  });
});

it("refuses a tensor outside of a message", () => {
  expect(() => packr.pack({ tensor: Tensor.zeros("int8", [1]) })).toThrow("a Tensor can be packed in a message only");
});
