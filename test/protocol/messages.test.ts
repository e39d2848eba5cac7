import { describe, expect, it } from "vitest";
import { clientMessages, workerMessage } from "../../src/protocol/messages.ts";
import { readFixtures, revive } from "../support/message-fixtures.ts";

const fixtures = [...readFixtures()].map(([name, fixture]) => ({
  name,
  direction: fixture.direction,
  kind: fixture.kind as keyof typeof clientMessages,
  message: revive(fixture).message as Record<string, unknown>,
}));

describe.each(fixtures)("$name", ({ direction, kind, message }) => {
  const schema = direction === "client" ? clientMessages[kind] : workerMessage;

  it("fits", () => {
    expect(schema.safeParse(message).success).toBe(true);
  });

  it("is refused with a field too few or too many", () => {
    const required = Object.keys(message).filter((key) => !["params", "value"].includes(key));
    for (const key of required) {
      const { [key]: _, ...rest } = message;
      expect(schema.safeParse(rest).success, `without ${key}`).toBe(false);
    }
    expect(schema.safeParse({ ...message, extra: 1 }).success).toBe(false);
  });

  it.runIf("id" in message)("is refused with a number that no request has", () => {
    for (const id of [-1, 1.5, 2 ** 32, "1", null, NaN]) {
      expect(schema.safeParse({ ...message, id }).success, String(id)).toBe(false);
    }
    expect(schema.safeParse({ ...message, id: 0 }).success).toBe((kind as string) === "error");
  });
});

it("refuses kinds that do not exist", () => {
  for (const kind of ["request", "toString", "", null, 1]) {
    expect(workerMessage.safeParse({ kind, id: 1, value: 1 }).success).toBe(false);
  }
});
