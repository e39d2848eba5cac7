import { GlipError } from "../errors.ts";
import { arrayConstructors, type DType, type DTypeArrays, dtypes, elementSize, isDType } from "./dtype.ts";
import { decodeBFloat16, decodeFloat16, encodeBFloat16, encodeFloat16 } from "./half.ts";

/** What `toArray()` gives: numbers nested to the tensor's rank. `int64` elements are bigint, `bool` ones boolean. */
export type NestedArray = number | bigint | boolean | NestedArray[];

/**
 * An n-dimensional array: C-contiguous, little-endian. Sent and received without a copy of its elements, so do not
 * change `data` while a call that carries it is pending.
 *
 * A received tensor owns its memory. `release()` (or `using`) hands large memory back for the next tensor that
 * arrives, which saves the page faults of fresh memory; it is never required.
 */
export class Tensor<D extends DType = DType> implements Disposable {
  readonly dtype: D;
  /** Length of each axis; `[]` for a scalar. */
  readonly shape: readonly number[];
  #data: DTypeArrays[D] | undefined;
  #onRelease: (() => void) | undefined;

  /** @throws GlipError `invalid_argument` when dtype, shape and data do not fit each other */
  constructor(dtype: D, shape: readonly number[], data: DTypeArrays[D], options: { onRelease?: () => void } = {}) {
    const wanted = arrayOf(dtype);
    if (!(data instanceof wanted)) {
      throw invalid("data", `a ${(wanted as unknown as { name: string }).name} for ${dtype}`, typeName(data));
    }
    const size = elementCount(shape);
    if (data.length !== size)
      throw invalid("data", `${size} elements for the shape [${shape.join(", ")}]`, `${data.length}`);
    this.dtype = dtype;
    this.shape = Object.freeze([...shape]);
    this.#data = data;
    this.#onRelease = options.onRelease;
  }

  /** A tensor of zeros. */
  static zeros<D extends DType>(dtype: D, shape: readonly number[]): Tensor<D> {
    return new Tensor(dtype, shape, new (arrayOf(dtype))(elementCount(shape)));
  }

  /**
   * From numbers, nested or flat with a shape; numbers are converted to `dtype` (float16 and bfloat16 round to nearest).
   * @example Tensor.from("float32", [[1, 2], [3, 4]])
   */
  static from<D extends DType>(dtype: D, values: NestedArray, shape?: readonly number[]): Tensor<D> {
    const found: number[] = [];
    for (let level: NestedArray | undefined = values; Array.isArray(level); level = level[0]) found.push(level.length);
    const flat: (number | bigint | boolean)[] = [];
    const visit = (value: NestedArray, path: string, axis: number): void => {
      const length = Array.isArray(value) ? value.length : undefined;
      if (shape === undefined && length !== found[axis]) throw invalid(path, described(found[axis]), described(length));
      if (Array.isArray(value)) value.forEach((item, index) => visit(item, `${path}[${index}]`, axis + 1));
      else flat.push(value);
    };
    visit(values, "values", 0);
    const data = new (arrayOf(dtype))(flat.length);
    flat.forEach((value, index) => {
      data[index] = encode(dtype, value) as never;
    });
    return new Tensor(dtype, shape ?? found, data);
  }

  /** The elements. @throws GlipError `invalid_argument` after `release()` */
  get data(): DTypeArrays[D] {
    if (this.#data === undefined) throw invalid("tensor", "a tensor that is in use", "one that was released");
    return this.#data;
  }

  /** Number of elements. */
  get size(): number {
    return this.data.length;
  }

  get rank(): number {
    return this.shape.length;
  }

  get byteLength(): number {
    return this.data.byteLength;
  }

  /** The memory of the elements, as bytes; no copy. */
  get bytes(): Uint8Array<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = this.data;
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  /** One element, decoded. A negative index counts from the end of its axis. */
  at(...indices: number[]): number | bigint | boolean {
    if (indices.length !== this.rank) throw invalid("indices", `${this.rank} indices`, `${indices.length}`);
    const offset = indices.reduce((sum, index, axis) => {
      const length = this.shape[axis] as number;
      const position = index < 0 ? index + length : index;
      if (!Number.isInteger(index) || position < 0 || position >= length) {
        throw invalid(`indices[${axis}]`, `an integer from ${-length} to ${length - 1}`, `${index}`);
      }
      return sum * length + position;
    }, 0);
    return decode(this.dtype, this.data[offset] as number | bigint);
  }

  /** The same elements under another shape, no copy. One dimension may be -1: whatever is left. */
  reshape(shape: readonly number[]): Tensor<D> {
    const known = shape.filter((length) => length !== -1);
    const rest = this.size / elementCount(known);
    return new Tensor(
      this.dtype,
      known.length === shape.length ? shape : shape.map((n) => (n === -1 ? rest : n)),
      this.data,
    );
  }

  /** Items `start` (inclusive) to `end` (exclusive) of the first axis, no copy. */
  slice(start: number, end?: number): Tensor<D> {
    const [first, ...rest] = this.shape;
    if (first === undefined) throw invalid("tensor", "at least one axis", "a scalar");
    const from = start < 0 ? Math.max(0, start + first) : Math.min(start, first);
    const to = Math.max(from, end === undefined ? first : end < 0 ? end + first : Math.min(end, first));
    const stride = elementCount(rest);
    return new Tensor(
      this.dtype,
      [to - from, ...rest],
      this.data.subarray(from * stride, to * stride) as DTypeArrays[D],
    );
  }

  /** The elements as float32: a view for float32, decoded into fresh memory otherwise. */
  toFloat32(): Float32Array<ArrayBuffer> {
    const data: DTypeArrays[DType] = this.data;
    if (data instanceof Float32Array) return data;
    return Float32Array.from(data as ArrayLike<number | bigint>, (value) => Number(decode(this.dtype, value)));
  }

  /** Nested plain arrays, decoded; for small tensors. */
  toArray(): NestedArray {
    const build = (axis: number, offset: number): NestedArray => {
      if (axis === this.rank) return decode(this.dtype, this.data[offset] as number | bigint);
      const length = this.shape[axis] as number;
      return Array.from({ length }, (_, index) => build(axis + 1, offset * length + index));
    };
    return build(0, 0);
  }

  /** Same dtype, shape and bytes. */
  equals(other: Tensor): boolean {
    if (this.dtype !== other.dtype || this.shape.join() !== other.shape.join()) return false;
    const [a, b] = [this.bytes, other.bytes];
    return a.every((byte, index) => byte === b[index]);
  }

  /** Ends the use of this tensor; its `data` may no longer be read. Idempotent. */
  release(): void {
    const onRelease = this.#onRelease;
    this.#data = undefined;
    this.#onRelease = undefined;
    onRelease?.();
  }

  [Symbol.dispose](): void {
    this.release();
  }

  toString(): string {
    return `Tensor(${this.dtype} [${this.shape.join(", ")}])`;
  }

  get [Symbol.toStringTag](): string {
    return "Tensor";
  }

  /** What console.log shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    if (this.#data === undefined) return `${this.toString()} released`;
    return `${this.toString()} ${this.#firstValues(6)}`;
  }

  /** How a tensor shows itself in a notebook of Deno's Jupyter kernel. */
  [Symbol.for("Jupyter.display")](): Record<string, string> {
    const values = this.#data === undefined ? "released" : this.#firstValues(12);
    const head = `<b>Tensor</b> ${this.dtype} [${this.shape.join(" × ")}]`;
    return {
      "text/plain": `${this.toString()} ${values}`,
      "text/html": `<div>${head}<br><code>${values}</code></div>`,
    };
  }

  /** Floats with as many digits as help to read them. */
  #firstValues(count: number): string {
    const first = Array.from(this.data.subarray(0, count) as ArrayLike<number | bigint>, (element) => {
      const value = decode(this.dtype, element);
      return String(typeof value === "number" && !Number.isInteger(value) ? Number(value.toPrecision(6)) : value);
    });
    return `${first.join(", ")}${this.size > count ? ", …" : ""}`;
  }
}

/** `instanceof` alone would widen the dtype to `any`. */
export function isTensor(value: unknown): value is Tensor {
  return value instanceof Tensor;
}

/** Number of elements of a shape. @throws GlipError `invalid_argument` for a length that is not an integer >= 0 */
export function elementCount(shape: readonly number[]): number {
  return shape.reduce((product, length, axis) => {
    const next = product * length;
    if (!Number.isSafeInteger(length) || length < 0 || !Number.isSafeInteger(next)) {
      throw invalid(`shape[${axis}]`, "an integer >= 0", String(length));
    }
    return next;
  }, 1);
}

/** Byte length of a tensor. */
export function tensorBytes(dtype: DType, shape: readonly number[]): number {
  return elementCount(shape) * elementSize(dtype);
}

function encode(dtype: DType, value: number | bigint | boolean): number | bigint {
  switch (dtype) {
    case "float16":
      return encodeFloat16(Number(value));
    case "bfloat16":
      return encodeBFloat16(Number(value));
    case "int64":
      if (typeof value === "number" && !Number.isInteger(value))
        throw invalid("values", "integers for int64", `${value}`);
      return BigInt(value);
    case "bool":
      return value ? 1 : 0;
    default:
      return Number(value);
  }
}

function decode(dtype: DType, value: number | bigint): number | bigint | boolean {
  if (dtype === "float16") return decodeFloat16(Number(value));
  if (dtype === "bfloat16") return decodeBFloat16(Number(value));
  return dtype === "bool" ? value !== 0 : value;
}

function arrayOf<D extends DType>(dtype: D): (typeof arrayConstructors)[D] {
  if (!isDType(dtype)) throw invalid("dtype", `one of ${dtypes.join(", ")}`, String(dtype));
  return arrayConstructors[dtype];
}

/** An item of nested arrays, by its length. */
function described(length: number | undefined): string {
  return length === undefined ? "a number" : `an array of ${length}`;
}

function typeName(value: unknown): string {
  return value === null || typeof value !== "object" ? typeof value : value.constructor.name;
}

function invalid(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
    path,
    expected,
    received,
  });
}
