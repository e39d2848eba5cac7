import { GlipError } from "../errors.ts";
import { isTensor, type Tensor } from "../protocol/tensor.ts";

/**
 * Checks that msgpack can carry a value and collects its tensors of at least `minBytes`.
 * @throws GlipError `invalid_argument` that names the path of what cannot be sent: msgpackr would corrupt a
 *   Float32Array, and write a function or a class instance as something else, all in silence
 */
export function collectTensors(
  value: unknown,
  minBytes: number,
  path: string,
  found = new Set<Tensor>(),
  depth = 0,
): Set<Tensor> {
  if (depth > maxDepth) throw refuse(path, `values nested at most ${maxDepth} deep`, "deeper ones, or a cycle");
  switch (typeof value) {
    case "undefined":
    case "boolean":
    case "number":
      return found;
    case "bigint":
      if (value < -(2n ** 63n) || value >= 2n ** 64n) throw refuse(path, "an integer of 64 bits", "a larger bigint");
      return found;
    case "string":
      checkText(value, path);
      return found;
    case "object":
      collectFromObject(value, minBytes, path, found, depth + 1);
      return found;
    default:
      throw refuse(path, sendable, typeof value);
  }
}

const maxDepth = 100;
const sendable = "null, a boolean, number, bigint, string, Uint8Array, Tensor, array or plain object";

function collectFromObject(
  value: object | null,
  minBytes: number,
  path: string,
  found: Set<Tensor>,
  depth: number,
): void {
  if (value === null || value instanceof Uint8Array) return;
  if (isTensor(value)) {
    if (value.byteLength >= minBytes) found.add(value);
  } else if (Array.isArray(value)) {
    value.forEach((item, index) => collectTensors(item, minBytes, `${path}[${index}]`, found, depth));
  } else {
    const prototype = Object.getPrototypeOf(value) as object | null;
    // Object.prototype of any realm: a notebook or a test runner may bring its own.
    if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
      throw refuse(path, sendable, value.constructor.name);
    for (const [key, item] of Object.entries(value)) {
      checkText(key, `a key of ${path}`);
      collectTensors(item, minBytes, `${path}.${key}`, found, depth);
    }
  }
}

function checkText(text: string, path: string): void {
  if (!text.isWellFormed()) throw refuse(path, "text that UTF-8 can carry", "a string with a lone surrogate");
}

function refuse(path: string, expected: string, received: string): GlipError<"invalid_argument"> {
  const hint = received.endsWith("Array") ? "; wrap it: new Tensor(dtype, shape, array)" : "";
  return new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}${hint}`, {
    path,
    expected,
    received,
  });
}
