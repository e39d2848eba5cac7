/**
 * Does one model for finding and for telling do either better? Trains glip-nano on with the losses of localization alone,
 * with those of understanding alone, and with both, from the same start and over several seeds, on drawn scenes; then
 * measures boxes, masks, answers and captions of each. Needs `npx glip setup` once; from this repository:
 *
 *   node scripts/run.mjs examples/joint/main.ts [--steps 200] [--seeds 0,1,2] [--pictures 100] [--output DIR]
 *
 * An interrupted comparison goes on from where it was: the same command again.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { launch, type Metrics, sceneFolder, sweep, type TrainingEvent, writeScenes } from "glip-sdk";

const { values } = parseArgs({
  options: {
    steps: { type: "string", default: "200" },
    seeds: { type: "string", default: "0,1,2" },
    pictures: { type: "string", default: "100" },
    batch: { type: "string", default: "8" },
    /** Runs at once, each with one thread. */
    parallel: { type: "string", default: "1" },
    output: { type: "string", default: "runs/joint" },
  },
});
const { output } = values;
const [steps, pictures, batchSize] = [Number(values.steps), Number(values.pictures), Number(values.batch)];
const threads = Number(values.parallel) > 1 ? 1 : undefined;

const scenes = join(output, "scenes");
if (!existsSync(scenes)) await writeScenes({ out: scenes, train: 20 * pictures, val: pictures, seed: 1 });
const [train, val] = [sceneFolder(join(scenes, "train")), sceneFolder(join(scenes, "val"))];

// Each kind of step as often as the others that there are: what one task gets in the joint training, it has less than alone.
const losses = {
  localization: { grounding: 1, masks: 1 },
  understanding: { grounding: 0, answers: 1, captions: 1 },
  joint: { grounding: 1, masks: 1, answers: 1, captions: 1 },
};
const seeds = values.seeds.split(",").map(Number);

const before = await measured(null);
console.log(
  `before: ${Object.entries(before)
    .map(([name, value]) => `${name} ${value?.toFixed(3)}`)
    .join(", ")}`,
);

const table = await sweep({
  grid: { losses, seed: seeds },
  over: "seed",
  run: (glip, point, { output: folder, resume, signal }) =>
    glip.finetune({
      train,
      losses: point.losses,
      seed: point.seed,
      steps,
      batchSize,
      learningRate: 1e-4,
      languageLearningRate: 1e-4,
      ema: 0.98,
      asking: { full: 0.7 },
      checkpointSteps: steps,
      samplePictures: 0,
      output: folder,
      resume,
      signal,
    }),
  measure: ({ checkpoint }) => {
    assert.ok(checkpoint !== null, "a run that ends well leaves a checkpoint");
    return measured(checkpoint);
  },
  output,
  launch: { threads },
  parallel: Number(values.parallel),
  onEvent: report,
});

assert.deepEqual(table.failed, []);
assert.equal(table.groups.length, Object.keys(losses).length);
console.log(`\n${String(table)}\nwritten: ${table.files.markdown}`);

/** Of glip-nano as it is, or of weights. */
async function measured(weights: string | null): Promise<Metrics> {
  await using glip = await launch({
    engine: "native",
    ...(weights === null ? { model: "glip-nano" } : { weights }),
    threads,
  });
  const found = (await glip.evaluate({ data: val, task: "segment" }).result).metrics;
  const boxes = (await glip.evaluate({ data: val, task: "detect" }).result).metrics;
  const answers = (await glip.evaluate({ data: val, task: "answer" }).result).metrics;
  const captions = (await glip.evaluate({ data: val, task: "caption" }).result).metrics;
  return {
    "box AP": boxes.AP,
    "mask AP": found.AP,
    accuracy: answers.accuracy,
    CIDEr: captions.CIDEr,
    "true facts": captions.facts,
  };
}

function report(name: string, event: TrainingEvent): void {
  if (event.type !== "step" || (event.step % 25 !== 0 && event.step !== event.totalSteps)) return;
  const each = Object.entries(event.losses).map(([loss, value]) => `${loss} ${value?.toFixed(3) ?? "?"}`);
  console.log(`${name} ${event.step}/${event.totalSteps}: ${each.join(", ")}`);
}
