/**
 * What does each of GLIPv2's three pre-training losses bring? Trains with the grounding loss alone, with each of the other
 * two beside it, and with all three, from the same start and over several seeds, on drawn scenes; then measures boxes and
 * phrases, and phrases in a style of drawing that was never seen. Needs `npx glip setup` once; from this repository:
 *
 *   node scripts/run.mjs examples/ablation/main.ts [--steps 150] [--seeds 0,1,2] [--pictures 100] [--output DIR]
 *
 * An interrupted ablation goes on from where it was: the same command again.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, type Metrics, sceneFolder, sweep, type TrainingEvent, writeScenes } from "glip-sdk";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "150" },
    seeds: { type: "string", default: "0,1,2" },
    pictures: { type: "string", default: "100" },
    batch: { type: "string", default: "8" },
    precision: { type: "string", default: "float32" },
    /** Runs at once, each with one thread. */
    parallel: { type: "string", default: "1" },
    output: { type: "string", default: "runs/ablation" },
  },
});
const { output } = values;
const [steps, pictures, batchSize] = [Number(values.steps), Number(values.pictures), Number(values.batch)];
const precision = values.precision === "bfloat16" ? "bfloat16" : "float32";

const scenes = join(output, "scenes");
if (!existsSync(scenes)) await writeScenes({ out: scenes, train: 20 * pictures, val: pictures, seed: 1 });
const [train, val] = [sceneFolder(join(scenes, "train")), sceneFolder(join(scenes, "val"))];

/** Weights of the losses besides grounding, which is always there. */
const losses = { grounding: {}, "+ inter": { inter: 1 }, "+ mlm": { mlm: 1 }, all: { inter: 1, mlm: 1 } };
const seeds = values.seeds.split(",").map(Number);

const table = await sweep({
  grid: { losses, seed: seeds },
  over: "seed",
  // From the model that knows the grounding loss alone: what the others add to it, or take from it.
  run: (glip, point, { output: folder, resume, signal }) =>
    glip.finetune({
      train,
      val,
      losses: point.losses,
      seed: point.seed,
      steps,
      batchSize,
      precision,
      learningRate: 1e-4,
      languageLearningRate: 1e-4,
      ema: 0.98,
      asking: { full: 0.7 },
      evaluateSteps: steps,
      checkpointSteps: steps,
      samplePictures: 0,
      output: folder,
      resume,
      signal,
    }),
  measure: ({ checkpoint }) => inUnseenStyle(checkpoint),
  output,
  launch: { threads: Number(values.parallel) > 1 ? 1 : undefined },
  parallel: Number(values.parallel),
  onEvent: report,
});

assert.deepEqual(table.failed, []);
assert.equal(table.groups.length, Object.keys(losses).length);
console.log(`\n${String(table)}\nwritten: ${table.files.markdown}`);

async function inUnseenStyle(weights: string | null): Promise<Metrics> {
  assert.ok(weights !== null, "a run that ends well leaves a checkpoint");
  await using glip = await launch({ engine: "native", weights, threads: Number(values.parallel) > 1 ? 1 : undefined });
  const data = sceneFolder(join(scenes, "val-style"));
  const { metrics } = await glip.evaluate({ data, task: "ground" }).result;
  return { "recallAt1, unseen style": metrics.recallAt1 };
}

function report(name: string, event: TrainingEvent): void {
  if (event.type === "step" && (event.step % 25 === 0 || event.step === event.totalSteps)) {
    const each = Object.entries(event.losses).map(([loss, value]) => `${loss} ${value?.toFixed(3) ?? "?"}`);
    console.log(`${name} ${event.step}/${event.totalSteps}: ${each.join(", ")}`);
  } else if (event.type === "evaluation") {
    const { AP, recallAt1 } = event.metrics;
    console.log(`${name} evaluation: AP ${AP?.toFixed(3) ?? "–"}, recall@1 ${recallAt1?.toFixed(3) ?? "–"}`);
  }
}
