// Trains glip-nano on the scenes, as its card says (models/glip-nano/README.md):
//
//   npm run train:nano                         everything, many hours on two CPU cores
//   npm run train:nano -- '{"steps": 100}'     options of glipv2.training.options that differ
//
// Data and run lie in .build/nano. Ctrl-C ends it with a checkpoint, and the same command goes on from there. In the end
// the weights are written to models/glip-nano, taught to answer and to tell, and measured on every split.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { developmentPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";

const SPLITS = ["val", "val-categories", "val-pairs", "val-style"];
const SCENES = ["--train", "20000", "--val", "500", "--seed", "0"];

/** Exit code of a run that was asked to stop. */
const STOPPED = 75;

const data = inRoot(".build", "nano", "scenes");
const run = inRoot(".build", "nano", "run");
const weights = inRoot("models", "glip-nano", "model.safetensors");

const options = {
  kind: "pretrain",
  config: "glip-nano",
  settings: { masks: {} },
  losses: { grounding: 1, inter: 0.1, mlm: 0.1, masks: 1 },
  asking: { full: 0.75 },
  train: [{ format: "scenes", folder: join(data, "train") }],
  output: run,
  steps: 30000,
  learning_rate: 5e-4,
  warmup_steps: 500,
  checkpoint_steps: 500,
  readers: 1,
};

try {
  const others = JSON.parse(process.argv[2] ?? "{}");
  await installPackages();
  await node("the build", [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  const python = await developmentPython();
  if (!existsSync(data)) await node("glip scenes", [inRoot("bin", "glip.js"), "scenes", "--out", data, ...SCENES]);
  const module = (name, ...args) => step(`python -m ${name}`, python, ["-m", name, ...args], inRoot("python"));
  mkdirSync(run, { recursive: true });
  writeFileSync(join(run, "config.json"), JSON.stringify({ ...options, ...others }, undefined, 2));
  await module("glipv2.training", run, "--show");
  await module("glipv2.training.export", run, weights);
  await module("glipv2.training.teach", weights, join(data, "train"), weights);
  await module("glipv2.evaluation", weights, ...SPLITS.map((name) => join(data, name)));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function node(name, args) {
  return step(name, process.execPath, args);
}

async function step(name, command, args, cwd) {
  const { code } = await execute(command, args, { ...(cwd && { cwd }) });
  if (code === STOPPED) throw new Error(`${name} stopped; the same command goes on from its checkpoint.`);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}.`);
}
