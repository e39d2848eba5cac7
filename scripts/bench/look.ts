/**
 * Five questions about a picture that was looked at once, beside five calls that each look at it: npm run bench -- look
 * [--quick]. On glip-nano; the questions are grounded where the model answers none.
 */
import { type Glip, isGlipError, launch, type View } from "glip-sdk";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { describeMachine, describeVersions, median, pairedRow, publish, row, time } from "./harness.ts";
import { nano } from "./inference/setting.ts";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const rounds = quick ? 3 : 12;
/** Of each way in a round, of which the median counts. */
const runs = 3;

const questions = [
  "how many pigs are there?",
  "is there a carrot?",
  "what is left of the backpack?",
  "which colour is the circle?",
  "is the bicycle above the pig?",
];

/** Scores of what was found, and probabilities of answers. */
type Numbers = number[];
type Ask = (about: Pick<View, "ground" | "answer">, question: string) => Promise<Numbers>;

const home = mkdtempSync(join(tmpdir(), "glip-bench-"));
try {
  const { python } = resolveEnvironment();
  await using glip = await launch({ interpreter: python, home, device: "cpu" });
  const { verb, ask } = await verbOf(glip);
  /** Each call looks at the picture anew. */
  const handle = {
    ground: (text: string) => glip.ground(nano.picture, text, { threshold: 0, maxObjects: 10 }),
    answer: (text: string) => glip.answer(nano.picture, text, { threshold: 0, maxObjects: 10 }),
  };
  const ways = {
    calls: () => inTurn((question) => ask(handle, question)),
    callsAtOnce: () => Promise.all(questions.map((question) => ask(handle, question))),
    inTurn: () => viewed(glip, (view) => inTurn((question) => ask(view, question))),
    atOnce: () => viewed(glip, (view) => Promise.all(questions.map((question) => ask(view, question)))),
  };

  // The first ones pay for what is built on first use.
  const numbers = { calls: await ways.calls(), inTurn: await ways.inTurn(), atOnce: await ways.atOnce() };
  await ways.callsAtOnce();
  const times = { calls: [], callsAtOnce: [], inTurn: [], atOnce: [] } as Record<keyof typeof ways, number[]>;
  for (let round = 0; round < rounds; round++)
    for (const name of Object.keys(ways) as (keyof typeof ways)[])
      times[name].push(median(await time(ways[name], { runs })));

  const what = `glip-nano, look() and five ${verb}()`;
  const unit = "ms";
  const rows = [
    pairedRow({
      what: `${what} at once, against five calls`,
      ours: times.atOnce,
      reference: times.calls,
      unit,
      bar: { of: "ratio", atMost: 0.5 },
    }),
    pairedRow({ what: `${what} in turn, against five calls`, ours: times.inTurn, reference: times.calls, unit }),
    pairedRow({
      what: `${what} at once, against five calls at once`,
      ours: times.atOnce,
      reference: times.callsAtOnce,
      unit,
    }),
    row({
      what: "in turn: largest difference of a score from the calls'",
      ours: largestDifference(numbers.inTurn, numbers.calls),
      unit: "",
      bar: { of: "ours", atMost: 0 },
    }),
    row({
      what: "at once: largest difference of a score from the calls'",
      ours: largestDifference(numbers.atOnce, numbers.calls),
      unit: "",
      bar: { of: "ours", atMost: 1e-4 },
    }),
  ];
  publish(
    { benchmark: "look", machine: describeMachine(), versions: describeVersions(python), rows },
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}

/** Answering, where the model does. */
async function verbOf(glip: Glip): Promise<{ verb: string; ask: Ask }> {
  const options = { threshold: 0, maxObjects: 10 };
  try {
    await glip.answer(nano.picture, "is there a pig?");
  } catch (error) {
    if (!isGlipError(error, "unsupported")) throw error;
    const ask: Ask = async (about, text) => (await about.ground(text, options)).objects.map(({ score }) => score);
    return { verb: "ground", ask };
  }
  const ask: Ask = async (about, text) => {
    const { answers, objects } = await about.answer(text, options);
    return [...answers.map(({ probability }) => probability), ...objects.map(({ score }) => score)];
  };
  return { verb: "answer", ask };
}

async function viewed<Result>(glip: Glip, use: (view: View) => Promise<Result>): Promise<Result> {
  await using view = await glip.look(nano.picture);
  return await use(view);
}

async function inTurn(ask: (question: string) => Promise<Numbers>): Promise<Numbers[]> {
  const answers: Numbers[] = [];
  for (const question of questions) answers.push(await ask(question));
  return answers;
}

function largestDifference(ours: readonly Numbers[], theirs: readonly Numbers[]): number {
  const differences = ours.flatMap((numbers, index) => {
    const others = theirs[index] ?? [];
    if (others.length !== numbers.length) return [Number.NaN];
    return numbers.map((value, place) => Math.abs(value - (others[place] ?? Number.NaN)));
  });
  return Math.max(0, ...differences);
}
