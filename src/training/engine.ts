import { GlipError } from "../errors.ts";
import { describe } from "../protocol/validate.ts";
import type { TrainingHandle } from "./handle.ts";
import { nativeFinetuneOptions } from "./native/schemas.ts";
import { finetuneOptions } from "./schemas.ts";

type Engine = "native" | "official";

const known: Record<Engine, readonly string[]> = {
  native: Object.keys(nativeFinetuneOptions.one.shape),
  official: Object.keys(finetuneOptions.one.shape),
};

/** Whose options a handle's trainings take: every engine but `native` may have the official code's methods. */
export function trainingEngine({ info }: TrainingHandle): Engine {
  return info.engine === "native" ? "native" : "official";
}

/** Refuses an option of the other engine by name. @throws GlipError `invalid_argument` */
export function checkEngineOptions(engine: Engine, options: unknown): void {
  const other = engine === "native" ? "official" : "native";
  for (const name of known[other]) {
    if (known[engine].includes(name)) continue;
    const value = (options as Record<string, unknown> | null | undefined)?.[name];
    if (value === undefined) continue;
    const path = `options.${name}`;
    const expected = `nothing: it is an option of the engine ${other}, and this handle's trains with ${engine}`;
    const received = describe(value);
    throw new GlipError("invalid_argument", `${path}: expected ${expected}, got ${received}`, {
      path,
      expected,
      received,
    });
  }
}
