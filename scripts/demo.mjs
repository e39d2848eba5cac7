// Finds things in pictures, from a bare clone too:
//
//   npm run demo
//
// Packages, build and Python environment are made first where they are missing. Then glip-nano, the model that comes
// with this repository, looks at examples/pictures and draws into examples/output what it found there: categories with
// their masks, the phrases of a sentence, the answer to a question and a caption.

import { mkdirSync } from "node:fs";
import { join, relative } from "node:path";

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { inRoot, root } from "./lib/repository.mjs";

const pictures = [
  {
    file: "pig.jpg",
    categories: ["pig", "carrot", "backpack", "circle", "bicycle"],
    sentence: "a carrot is at the bottom right, a pig is in the center and a small backpack is at the top right.",
    question: "where is the carrot?",
  },
  {
    file: "robot.jpg",
    categories: ["robot", "cloud", "ring", "mushroom", "bed", "star", "whale"],
    sentence: "a small robot, two clouds, three red rings and a yellow star.",
    question: "how many clouds are there?",
  },
  {
    file: "cake.jpg",
    categories: ["cake", "egg", "star", "ring", "guitar"],
    sentence: "an egg on the left, a large orange star on the right and a cake in the center.",
    question: "what color is the star?",
  },
  {
    file: "book.jpg",
    categories: ["book", "fish", "sailboat", "balloon", "diamond", "clock"],
    sentence: "a sailboat is at the bottom, a brown diamond is at the top left and a balloon is at the top right.",
    question: "is there a clock in the picture?",
  },
];

try {
  await prepare();
  await demonstrate();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

async function prepare() {
  await installPackages();
  await step("The build", [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"]);
  // It says what it does, and nothing when all is there.
  if (!process.env.GLIP_PYTHON) await step("glip setup", [inRoot("bin", "glip.js"), "setup"]);
}

async function step(name, command) {
  const { code } = await execute(process.execPath, command);
  if (code !== 0) throw new Error(`${name} ended with exit code ${code}.`);
}

async function demonstrate() {
  const { launch } = await import("../dist/index.js");
  const output = inRoot("examples", "output");
  mkdirSync(output, { recursive: true });
  const started = performance.now();
  const glip = await launch();
  try {
    console.log(`\nglip-nano on ${glip.info.device.name}, ready after ${seconds(started)}`);
    for (const picture of pictures) await show(glip, picture, output);
    console.log(`\nDrawn into ${relative(root, output)}: ${pictures.length * 4} pictures`);
  } finally {
    await glip.close();
  }
}

/** Everything about one picture, which is looked at once. */
async function show(glip, { file, categories, sentence, question }, output) {
  const path = inRoot("examples", "pictures", file);
  console.log(`\n${relative(root, path)}`);
  const save = (result, verb) => result.save(join(output, file.replace(/\.\w+$/, `.${verb}.png`)));
  const view = await glip.look(path);

  const seen = await timed(`segment(${JSON.stringify(categories.join(", "))})`, () => view.segment(categories));
  for (const { label, score, box } of seen) console.log(`    ${line(label, score, box)}`);
  await save(seen, "segment");

  const grounded = await timed(`ground(${JSON.stringify(sentence)})`, () => view.ground(sentence));
  for (const { text, objects } of grounded.phrases) {
    if (objects.length === 0) console.log(`    ${text.padEnd(22)} nothing`);
    for (const { score, box } of objects) console.log(`    ${line(text, score, box)}`);
  }
  await save(grounded, "ground");

  const answered = await timed(`answer(${JSON.stringify(question)})`, () => view.answer(question, { top: 3 }));
  for (const { answer, probability } of answered.answers)
    console.log(`    ${answer.padEnd(22)} ${probability.toFixed(2)}`);
  await save(answered, "answer");

  const told = await timed("caption()", () => view.caption());
  console.log(`    ${told.caption}`);
  await save(told, "caption");

  await view.close();
}

async function timed(what, ask) {
  const asked = performance.now();
  const result = await ask();
  console.log(`  ${what} in ${seconds(asked)}:`);
  return result;
}

function line(label, score, box) {
  const sides = Array.from(box, (side) => Math.round(side).toString().padStart(4));
  return `${label.padEnd(22)} ${score.toFixed(2)}  ${sides.join(" ")}`;
}

function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(2)} s`;
}
