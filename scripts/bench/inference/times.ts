/** GLIP-T by the native model and by the official code, same weights and pictures: seconds and scores. */
import { type Bar, pairedRow, row, type Row } from "../harness.ts";
import { type Answer, type Found, inTurns, largestDifference, secondsOf } from "../lib/detector.ts";
import { files, type Setting, startNative, startOfficial } from "./setting.ts";

/** The answers of each round. */
type Sides = Record<"official" | "native" | "half", Answer[]>;

export async function measureTimes(setting: Setting): Promise<Row[]> {
  const { wide, square } = files(setting);
  using official = await startOfficial(setting);
  // Both encode the text with each picture.
  using native = await startNative(setting, ["--each-text"]);
  using half = await startNative(setting, ["--each-text", "--dtype", "bfloat16"]);
  const measure = (pictures: readonly string[], counts: { rounds: number; warmup?: number }): Promise<Sides> =>
    inTurns(
      {
        official: official && (() => official.look(...pictures)),
        native: () => native.look(...pictures),
        half: () => half.look(...pictures),
      },
      counts,
    );

  const { rounds } = setting;
  const one = await measure(wide.slice(0, 1), { rounds });
  const small = await measure([square], { rounds });
  // Each has looked at pictures of this size before.
  const batch = await measure(wide, { rounds: Math.ceil(rounds / 2), warmup: 0 });
  const alone: Found[] = [];
  for (const picture of wide) alone.push(...(await native.look(picture)).pictures);
  return [
    ...rowsOfOne("GLIP-T, 800x1333", one),
    ...rowsOfOne("GLIP-T, 800x800", small),
    ...rowsOfBatch(`GLIP-T, 800x1333, batch of ${wide.length}`, batch, alone),
  ];
}

function rowsOfOne(what: string, { official, native, half }: Sides): Row[] {
  const compared = official.length > 0;
  return [
    timeRow(`${what}, float32`, native, official, { of: "ratio", atMost: 1 / 3 }),
    ...(compared ? [differenceRow(`${what}, float32`, foundBy(native), foundBy(official), 1e-4)] : []),
    timeRow(`${what}, bfloat16`, half, official),
    differenceRow(`${what}, bfloat16 to float32`, foundBy(half), foundBy(native)),
  ];
}

/** @param alone what the native model found in float32, picture by picture */
function rowsOfBatch(what: string, { official, native, half }: Sides, alone: readonly Found[]): Row[] {
  return [
    timeRow(`${what}, float32`, native, official),
    differenceRow(`${what}, float32 to one by one`, foundBy(native), alone),
    timeRow(`${what}, bfloat16`, half, official),
    differenceRow(`${what}, bfloat16 to float32 one by one`, foundBy(half), alone),
  ];
}

function timeRow(what: string, ours: readonly Answer[], official: readonly Answer[], bar?: Bar): Row {
  const compared = official.length > 0;
  const each = (answer: Answer): number => secondsOf(answer) / answer.pictures.length;
  return pairedRow({
    what,
    ours: ours.map(each),
    reference: compared ? official.map(each) : undefined,
    unit: "s a picture",
    bar: compared ? bar : undefined,
  });
}

function differenceRow(what: string, ours: readonly Found[], theirs: readonly Found[], atMost?: number): Row {
  return row({
    what: `${what}: largest difference of a score`,
    ours: largestDifference(ours, theirs),
    unit: "",
    bar: atMost === undefined ? undefined : { of: "ours", atMost },
  });
}

function foundBy(side: readonly Answer[]): Found[] {
  return side.at(-1)?.pictures ?? [];
}
