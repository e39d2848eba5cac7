import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, it } from "vitest";
import { cocoCaptions } from "../../../src/datasets/coco-captions.ts";
import { sceneFolder } from "../../../src/datasets/scene-folder.ts";
import { writePlan } from "../../../src/datasets/scenes/write.ts";
import { vqav2 } from "../../../src/datasets/vqav2.ts";
import type { Glip } from "../../../src/glip.ts";
import { launch } from "../../../src/launch.ts";
import type { NativeFinetuneOptions } from "../../../src/training/native/options.ts";
import { fixture } from "../../support/folders.ts";
import { testPython } from "../../support/python.ts";
import { tinyModel } from "../../support/tiny-model.ts";

const TIMEOUT = 180_000;
const folder = mkdtempSync(join(tmpdir(), "glip-words-"));
const scenes = sceneFolder(join(folder, "scenes", "train"));
const picture = fixture("../../examples/pictures/pig.jpg");
let glip: Glip;

const start = async (weights?: string) => {
  const interpreter = await testPython();
  return launch({ engine: "native", device: "cpu", threads: 1, interpreter, ...(weights && { weights }) });
};

beforeAll(async () => {
  await writePlan({ out: join(folder, "scenes"), plan: [{ split: "train", count: 4 }], seed: 1, size: 128 });
  glip = await start();
}, TIMEOUT);
afterAll(async () => {
  await glip.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** Of a model without a head for words, which a task adds. */
function tune(name: string, more: Pick<NativeFinetuneOptions, "task" | "train">) {
  const length = { steps: 2, batchSize: 2, samplePictures: 0 };
  return glip.finetune({ config: tinyModel, weights: "random", output: join(folder, name), ...length, ...more });
}

async function lossesOf(run: ReturnType<typeof tune>): Promise<string[]> {
  const seen = new Set<string>();
  for await (const event of run)
    if (event.type === "step") for (const name of Object.keys(event.losses)) seen.add(name);
  return [...seen].sort();
}

/** Two pictures with a question and a caption each, as their owner may write them. */
async function ownData() {
  mkdirSync(join(folder, "mine"));
  const write = (name: string, content: object): string => {
    const file = join(folder, "mine", name);
    writeFileSync(file, JSON.stringify(content));
    return file;
  };
  const images = ["red", "blue"].map((colour, index) => ({ id: index + 1, file_name: `${colour}.png`, colour }));
  for (const { file_name: name, colour } of images)
    await sharp({ create: { width: 64, height: 48, channels: 3, background: colour } }).toFile(
      join(folder, "mine", name),
    );
  const questions = images.map(({ id }) => ({ question_id: id, image_id: id, question: "What colour is it?" }));
  const annotations = images.map(({ id, colour }) => ({ question_id: id, answers: [{ answer: colour }] }));
  const captions = images.map(({ id, colour }) => ({ id, image_id: id, caption: `Everything is ${colour}.` }));
  return {
    asked: vqav2(write("q.json", { images, questions }), write("a.json", { annotations }), join(folder, "mine")),
    told: cocoCaptions(write("c.json", { images, annotations: captions }), join(folder, "mine")),
  };
}

it("a model that is tuned to answer answers, by the answers of the data", { timeout: TIMEOUT }, async () => {
  const run = tune("answer", { task: "answer", train: scenes });
  expect(await lossesOf(run)).toEqual(["answers", "total"]);
  await using taught = await start((await run.result).checkpoint as string);
  const { answer, answers } = await taught.answer(picture, "is there a cat?", { top: 1000 });
  expect(answers.map((one) => one.answer)).toEqual(expect.arrayContaining([answer, "yes", "no"]));
});

it("one that is tuned to caption tells", { timeout: TIMEOUT }, async () => {
  const run = tune("caption", { task: "caption", train: scenes });
  expect(await lossesOf(run)).toEqual(["captions", "total"]);
  await using taught = await start((await run.result).checkpoint as string);
  expect((await taught.caption(picture, { maxTokens: 4 })).caption).toBeTypeOf("string");
});

it("questions and captions of one's own do for both", { timeout: TIMEOUT }, async () => {
  const { asked, told } = await ownData();
  const { sets, problems } = await glip.checkData([asked, told]);
  expect(problems).toBe(0);
  expect(sets).toMatchObject([
    { pictures: 2, boxes: 0, questions: 2, captions: 0, categories: [] },
    { pictures: 2, boxes: 0, questions: 0, captions: 2 },
  ]);
  const run = tune("mine", { task: "answer", train: asked });
  await using taught = await start((await run.result).checkpoint as string);
  const { answers } = await taught.answer(picture, "What colour is it?", { top: 10 });
  expect(answers.map(({ answer }) => answer).sort()).toEqual(["blue", "red"]);
  const refused = tune("refused", { task: "caption", train: [told, asked] });
  await expect(refused.result).rejects.toMatchObject({
    code: "invalid_argument",
    message: "options.train[1]: expected data with captions, of which the losses are, got questions",
  });
});
