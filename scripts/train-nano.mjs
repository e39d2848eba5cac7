// Trains glip-nano on the scenes, as its card says (models/glip-nano/README.md):
//
//   npm run train:nano                         everything, about six hours on two CPU cores
//   npm run train:nano -- --steps 100          options of python -m glipv2.training (--help lists them)
//
// Data and run lie in .build/nano. Ctrl-C ends it with a checkpoint, and the same command goes on from there. In the end
// the averaged weights are written to models/glip-nano and measured on every split.

import { existsSync } from "node:fs";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { developmentPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";

const SPLITS = ["val", "val-categories", "val-pairs", "val-style"];
const SCENES = ["--train", "20000", "--val", "500", "--seed", "0"];
const STEPS = ["--steps", "30000"];

const data = inRoot(".build", "nano", "scenes");
const run = inRoot(".build", "nano", "run");
const weights = inRoot("models", "glip-nano", "model.safetensors");

try {
  await installPackages();
  await node("the build", [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  const python = await developmentPython();
  if (!existsSync(data)) await node("glip scenes", [inRoot("bin", "glip.js"), "scenes", "--out", data, ...SCENES]);
  const module = (name, ...args) => step(`python -m ${name}`, python, ["-m", name, ...args], inRoot("python"));
  const split = `${data}/train`;
  await module("glipv2.training", "--data", split, "--output", run, ...STEPS, ...process.argv.slice(2));
  await module("glipv2.training.export", run, weights);
  await module("glipv2.evaluation", weights, ...SPLITS.map((name) => `${data}/${name}`));
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

function node(name, args) {
  return step(name, process.execPath, args);
}

async function step(name, command, args, cwd) {
  const { code } = await execute(command, args, { ...(cwd && { cwd }) });
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}.`);
}
