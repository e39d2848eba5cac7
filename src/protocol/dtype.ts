/** Element types of a tensor on the wire, little-endian. */
export const dtypes = [
  "float16",
  "bfloat16",
  "float32",
  "float64",
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "bool",
] as const;

export type DType = (typeof dtypes)[number];

/**
 * The typed array that holds a dtype. `float16` and `bfloat16` are raw 16-bit patterns (`Tensor.toFloat32()` decodes
 * them), `bool` is one byte per element, 0 or 1.
 */
export interface DTypeArrays {
  float16: Uint16Array<ArrayBuffer>;
  bfloat16: Uint16Array<ArrayBuffer>;
  float32: Float32Array<ArrayBuffer>;
  float64: Float64Array<ArrayBuffer>;
  int8: Int8Array<ArrayBuffer>;
  int16: Int16Array<ArrayBuffer>;
  int32: Int32Array<ArrayBuffer>;
  int64: BigInt64Array<ArrayBuffer>;
  uint8: Uint8Array<ArrayBuffer>;
  bool: Uint8Array<ArrayBuffer>;
}

type ArrayConstructor<D extends DType> = {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): DTypeArrays[D];
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): DTypeArrays[D];
};

export const arrayConstructors: { readonly [D in DType]: ArrayConstructor<D> } = {
  float16: Uint16Array,
  bfloat16: Uint16Array,
  float32: Float32Array,
  float64: Float64Array,
  int8: Int8Array,
  int16: Int16Array,
  int32: Int32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** Size of one element in bytes. */
export function elementSize(dtype: DType): number {
  return arrayConstructors[dtype].BYTES_PER_ELEMENT;
}

export function isDType(value: unknown): value is DType {
  return typeof value === "string" && (dtypes as readonly string[]).includes(value);
}
