import { GlipError } from "../errors.ts";

/**
 * One threshold for each name, in their order; null when one serves all.
 * @throws GlipError `invalid_argument` for a threshold of a name that is not asked for
 */
export function thresholdsOf(
  names: readonly string[],
  { threshold, thresholds }: { threshold: number; thresholds?: Readonly<Record<string, number>> | undefined },
): number[] | null {
  if (thresholds === undefined) return null;
  checkNames(names, thresholds);
  return names.map((name) => (Object.hasOwn(thresholds, name) ? (thresholds[name] as number) : threshold));
}

/** @throws GlipError `invalid_argument` for a threshold of a name that is not among `names` */
export function checkNames(names: readonly string[], thresholds: Readonly<Record<string, number>>): void {
  const known = new Set(names);
  const stray = Object.keys(thresholds).find((name) => !known.has(name));
  if (stray === undefined) return;
  const details = { path: "options.thresholds", expected: "names of categories", received: JSON.stringify(stray) };
  const text = `${details.path}: expected ${details.expected}, got ${details.received}`;
  throw new GlipError("invalid_argument", text, details);
}
