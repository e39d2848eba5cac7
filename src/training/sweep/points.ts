import { z } from "zod";
import { GlipError } from "../../errors.ts";
import { text } from "../../protocol/fields.ts";
import { checkArgument } from "../../protocol/validate.ts";

/** What varies, and the values that it takes: as they are, or by names, which the tables then show. */
export type SweepGrid = Readonly<
  Record<string, readonly (string | number | boolean)[] | Readonly<Record<string, unknown>>>
>;

/** One value of each. */
export type SweepPoint<Grid extends SweepGrid> = {
  readonly [Key in keyof Grid]: Grid[Key] extends readonly (infer Value)[] ? Value : Grid[Key][keyof Grid[Key]];
};

/** One run of a sweep. */
export interface PlannedRun {
  /** Of its folder: `seed=0,losses=all`. */
  name: string;
  point: Record<string, unknown>;
  /** How the tables call the values. */
  labels: Record<string, string>;
}

const VALUES = "a list of texts, numbers or booleans, or an object of named values; not empty";
const schema = z.record(text, z.custom<SweepGrid[string]>(areValues, VALUES));

/** Every combination; the last key varies fastest. @throws GlipError `invalid_argument` */
export function planRuns(grid: SweepGrid): PlannedRun[] {
  const checked = checkArgument(schema, grid, "options.grid");
  let runs: PlannedRun[] = [{ name: "", point: {}, labels: {} }];
  for (const [key, values] of Object.entries(checked)) {
    const choices: (readonly [string, unknown])[] = Array.isArray(values)
      ? values.map((value) => [String(value), value] as const)
      : Object.entries(values);
    runs = runs.flatMap(({ name, point, labels }) =>
      choices.map(([label, value]) => ({
        name: `${name}${name && ","}${plain(key)}=${plain(label)}`,
        point: { ...point, [key]: value },
        labels: { ...labels, [key]: label },
      })),
    );
  }
  const twice = runs.find(({ name }, index) => runs.findIndex((other) => other.name === name) !== index);
  if (twice === undefined && runs[0]?.name !== "") return runs;
  const received = twice === undefined ? "none" : `${twice.name} twice`;
  const details = { path: "options.grid", expected: "values that can be told apart as names of folders", received };
  throw new GlipError("invalid_argument", `${details.path}: expected ${details.expected}, got ${received}`, details);
}

function areValues(given: unknown): boolean {
  if (Array.isArray(given))
    return given.length > 0 && given.every((value) => ["string", "number", "boolean"].includes(typeof value));
  return typeof given === "object" && given !== null && Object.keys(given).length > 0;
}

/** For the name of a folder. */
function plain(name: string): string {
  return name.replace(/[^\w.+-]+/g, "-");
}
