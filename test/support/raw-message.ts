import { Packr } from "msgpackr";

// variableMapSize: the header is as short as msgpack allows, as the worker's is.
const packr = new Packr({ useRecords: false, variableMapSize: true });

/** Stands for a msgpack extension of any type and payload inside a value given to `header`. */
export function extension(type: number, payload: Uint8Array): Extension {
  return new Extension(type, payload);
}

class Extension {
  readonly bytes: Uint8Array;
  constructor(type: number, payload: Uint8Array) {
    this.bytes = Uint8Array.of(0xc9, ...uint32(payload.length), type, ...payload);
  }
}

/**
 * Any map as msgpack. `fields` is how many entries its head announces, for a caller who adds the rest.
 * @param fields @default as many as there are
 */
export function header(message: Record<string, unknown>, fields = Object.keys(message).length): Uint8Array {
  const bytes = encode(message);
  bytes[0] = 0x80 | fields;
  return bytes;
}

function encode(value: unknown): Uint8Array {
  if (value instanceof Extension) return value.bytes;
  if (Array.isArray(value)) return join([Uint8Array.of(0xdd, ...uint32(value.length)), ...value.map(encode)]);
  if (typeof value !== "object" || value === null || value instanceof Uint8Array)
    return Uint8Array.from(packr.pack(value));
  const entries = Object.entries(value);
  const head =
    entries.length < 16 ? Uint8Array.of(0x80 | entries.length) : Uint8Array.of(0xdf, ...uint32(entries.length));
  return join([head, ...entries.flatMap(([key, item]) => [Uint8Array.from(packr.pack(key)), encode(item)])]);
}

function uint32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255];
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}
