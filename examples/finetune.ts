/**
 * Adapts a model to pictures of yours: trains, shows how it goes, and uses the result. Needs `npx glip setup --official`
 * and `npx glip weights pull glip-t` once; from this repository:
 *
 *   node scripts/run.mjs examples/finetune.ts --train train.json --images pictures --val val.json --output runs/mine
 *
 * The annotations are COCO's. Ctrl-C ends the run with a checkpoint; the same command with --resume goes on from it.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { coco, isGlipError, launch, type TrainingEvent } from "glip-sdk";

const { values } = parseArgs({
  options: {
    train: { type: "string" },
    images: { type: "string" },
    val: { type: "string" },
    output: { type: "string", default: "runs/mine" },
    method: { type: "string", default: "full" },
    epochs: { type: "string", default: "12" },
    batch: { type: "string", default: "4" },
    side: { type: "string" },
    device: { type: "string", default: "auto" },
    resume: { type: "boolean", default: false },
    // Another start than GLIP-T: a configuration with its weights, and the text encoder that goes with them.
    config: { type: "string" },
    weights: { type: "string" },
    "text-encoder": { type: "string" },
  },
});
const { train: annotations, images, val, output, method, epochs, batch, side, device, resume } = values;

process.exitCode = await main();

async function main(): Promise<number> {
  assert.ok(annotations !== undefined && images !== undefined, "say --train FILE.json --images FOLDER");
  assert.ok(method === "full" || method === "linear-probe" || method === "prompt", `--method ${method} is not shown`);
  // The model to start from is the run's to load: a handle that only trains keeps the device's memory free.
  await using glip = await launch({ engine: "official", device });
  const start = values.config === undefined ? { model: "glip-t" } : { config: values.config, weights: values.weights };
  const textEncoder = values["text-encoder"];

  const run = glip.finetune({
    ...start,
    textEncoder,
    train: coco(annotations, images),
    val: val === undefined ? undefined : coco(val, images),
    output,
    method,
    epochs: Number(epochs),
    batchSize: Number(batch),
    shortSides: side === undefined ? undefined : [Number(side)],
    patience: val === undefined ? undefined : { learningRate: 3, stop: 8 },
    resume,
  });

  process.once("SIGINT", () => {
    console.log("stopping after this step, with a checkpoint; Ctrl-C again to stop at once");
    void run.cancel();
  });

  try {
    for await (const event of run) report(event);
  } catch (error) {
    if (!isGlipError(error, "cancelled")) throw error;
    await run.ended;
    console.log(`stopped; the same command with --resume goes on from ${run.output}`);
    return 130;
  }

  const { checkpoint, best, config, steps, ended, metrics } = await run.result;
  const weights = best ?? checkpoint;
  assert.ok(weights !== null, "a run that ends well leaves a checkpoint");
  console.log(`${ended} after ${steps} steps: ${weights}`);
  if (val !== undefined) assert.equal(typeof metrics?.AP, "number");

  // What was trained is a model like any other: its configuration and its checkpoint.
  await using tuned = await launch({ engine: "official", device, config, weights, textEncoder });
  const { categories, images: pictures } = JSON.parse(readFileSync(annotations, "utf8")) as {
    categories: { name: string }[];
    images: { file_name: string }[];
  };
  const names = categories.map(({ name }) => name);
  const picture = resolve(join(images, pictures[0]?.file_name ?? ""));
  const seen = await tuned.detect(picture, names, { threshold: 0.1 });
  console.log(String(seen));
  for (const { label } of seen) assert.ok(names.includes(label));
  return 0;
}

function report(event: TrainingEvent): void {
  if (event.type === "step") {
    const { step, totalSteps, losses, etaSeconds } = event;
    console.log(`step ${step}/${totalSteps}: loss ${losses.total?.toFixed(3)}, ${Math.ceil(etaSeconds)} s to go`);
  } else if (event.type === "evaluation") {
    console.log(`validation: AP ${event.metrics.AP?.toFixed(3)}, AP50 ${event.metrics.AP50?.toFixed(3)}`);
  } else if (event.type === "checkpoint") {
    console.log(`wrote ${event.path}${event.best ? ", the best so far" : ""}`);
  }
}
