import type { z } from "zod";
import { GlipError } from "../errors.ts";
import { methodSchema } from "./methods.ts";
import { isTensor } from "./tensor.ts";

/** What a value of the caller's must fit before it is sent; `path` is how the caller knows it. */
export function checkArgument<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0] as z.core.$ZodIssue;
  const unknown = issue.code === "unrecognized_keys" ? issue.keys.slice(0, 1) : [];
  const inner = [...issue.path, ...unknown];
  const where = join(path, inner);
  const received = describe(
    inner.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value),
  );
  const expected = (unknown.length > 0 ? "nothing of that name" : issue.message)
    .replace(/^(Invalid input|Invalid option|Too small|Too big): /, "")
    .replace(/^expected /, "")
    .replace(/ to be (?=[<>])/, " ")
    .replace(/ to have (?=[<>])/, " with ")
    .replace(/, received .*$/, "");
  throw new GlipError("invalid_argument", `${where}: expected ${expected}, got ${received}`, {
    path: where,
    expected,
    received,
  });
}

/** A declared method's parameters, checked before they leave; an undeclared one's pass. */
export function checkParams(method: string, params: Record<string, unknown>): Record<string, unknown> {
  const schema = methodSchema(method);
  return schema === undefined
    ? params
    : checkArgument(schema.params as z.ZodType<Record<string, unknown>>, params, "params");
}

export function checkResult(method: string, value: unknown): unknown {
  return checkReceived(method, "result", methodSchema(method)?.result, value);
}

export function checkEvent(method: string, value: unknown): unknown {
  return checkReceived(method, "event", methodSchema(method)?.event, value);
}

function checkReceived(method: string, what: string, schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return value;
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const { path, message } = parsed.error.issues[0] as z.core.$ZodIssue;
  const reason = `the ${what} of ${method} does not fit its schema: ${join(what, path)}: ${message}`;
  throw new GlipError("invalid_message", `The worker sent a message that does not fit the protocol: ${reason}`, {
    reason,
  });
}

/** `options.boxes[2].width` */
function join(base: string, path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}.${String(key)}`),
    base,
  );
}

/** What came, for an error: short, whatever it is. */
export function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
  if (isTensor(value)) return value.toString();
  if (typeof value === "object" && value !== null)
    return Array.isArray(value) ? `an array of ${value.length}` : "an object";
  return String(value);
}
