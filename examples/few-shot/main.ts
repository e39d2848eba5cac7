/**
 * How many pictures of something new does a model need? glip-nano never saw the icons drawn in Twemoji's style. Here it
 * learns them from 1, 3, 5 and 10 pictures of each category, once by full fine-tuning and once by prompt tuning (the
 * weights stay; a small file is learnt), over several choices of pictures, beside what it knows without any.
 * Needs `npx glip setup` once; from this repository:
 *
 *   node scripts/run.mjs examples/few-shot/main.ts [--shots 1,3,5,10] [--seeds 3,30,300] [--output DIR]
 *
 * It writes a table, a chart, and one picture as it is seen before and after. An interrupted one goes on where it was.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, sceneFolder, sweep, type TrainingEvent, writeScenes } from "glip-sdk";
import { writeChart } from "./chart.ts";
import { writeComparison } from "./comparison.ts";

const { values } = parseArgs({
  options: {
    shots: { type: "string", default: "1,3,5,10" },
    seeds: { type: "string", default: "3,30,300" },
    methods: { type: "string", default: "prompt,full" },
    steps: { type: "string", default: "100" },
    batch: { type: "string", default: "8" },
    /** Of the split that is measured on; those to learn from are chosen among eight times as many. */
    pictures: { type: "string", default: "100" },
    precision: { type: "string", default: "float32" },
    /** Runs at once, each with one thread. */
    parallel: { type: "string", default: "1" },
    output: { type: "string", default: "runs/few-shot" },
  },
});
const { output } = values;
const [steps, batchSize, pictures] = [Number(values.steps), Number(values.batch), Number(values.pictures)];
const precision = values.precision === "bfloat16" ? "bfloat16" : "float32";
const parallel = Number(values.parallel);
const threads = parallel > 1 ? 1 : undefined;

/** Options in which the methods differ: a prompt is few numbers, and learns fast. */
const recipes = {
  prompt: { method: "prompt", learningRate: 0.05 },
  full: { method: "full", learningRate: 1e-4, languageLearningRate: 1e-5, ema: 0.95 },
} as const;
const chosen = Object.entries(recipes).filter(([name]) => values.methods.split(",").includes(name));
const shots = values.shots.split(",").map(Number);

const scenes = join(output, "scenes");
if (!existsSync(scenes)) await writeScenes({ out: scenes, train: 0, tune: 8 * pictures, val: pictures, seed: 2 });
const [train, val] = [sceneFolder(join(scenes, "tune-style")), sceneFolder(join(scenes, "val-style"))];

const before = await zeroShot();
console.log(`zero-shot: AP ${before.toFixed(3)}`);

const table = await sweep({
  grid: { method: Object.fromEntries(chosen), shots, seed: values.seeds.split(",").map(Number) },
  over: "seed",
  run: (glip, point, { output: folder, resume, signal }) =>
    glip.finetune({
      train,
      val,
      ...point.method,
      shots: point.shots,
      shotSeed: point.seed,
      seed: point.seed,
      steps,
      batchSize,
      precision,
      // Nothing but the categories is known of so few pictures, and all of them are asked for.
      asking: { full: 1, sentencesEvery: 0 },
      evaluateSteps: steps,
      checkpointSteps: steps,
      samplePictures: 0,
      output: folder,
      resume,
      signal,
    }),
  output,
  launch: { threads },
  parallel,
  onEvent: report,
});

assert.deepEqual(table.failed, []);
const curves = chosen.map(([method]) => ({
  name: method === "full" ? "full fine-tuning" : "prompt tuning",
  points: shots.map((shot) => {
    const group = table.groups.find(({ labels }) => labels["method"] === method && labels["shots"] === String(shot));
    const { mean, deviation } = group?.metrics["AP"] ?? assert.fail(`no AP of ${method}, ${shot} shots`);
    return { shots: shot, mean, deviation: deviation ?? 0 };
  }),
}));
console.log(`\nzero-shot: AP ${before.toFixed(3)}\n\n${String(table)}\nwritten: ${table.files.markdown}`);
console.log(`written: ${await writeChart(join(output, "few-shot.png"), before, curves)}`);

const taught = table.rows.findLast(({ labels }) => labels["method"] === "prompt");
if (taught !== undefined) {
  const prompt = join(taught.output, "prompt.safetensors");
  console.log(`written: ${await writeComparison(join(output, "before-after.png"), val, prompt, threads)}`);
}

async function zeroShot(): Promise<number> {
  await using glip = await launch({ threads });
  const { metrics } = await glip.evaluate({ data: val, task: "detect" }).result;
  return metrics.AP ?? assert.fail("the split has no boxes");
}

function report(name: string, event: TrainingEvent): void {
  if (event.type === "step" && (event.step % 25 === 0 || event.step === event.totalSteps))
    console.log(`${name} ${event.step}/${event.totalSteps}: loss ${event.losses.total?.toFixed(3) ?? "?"}`);
  else if (event.type === "evaluation") console.log(`${name}: AP ${event.metrics.AP?.toFixed(3) ?? "–"}`);
}
