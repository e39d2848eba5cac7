/**
 * Teaches the service, uses what it has learnt, starts it anew amid a lesson, and asserts all of it. From this repository:
 * node scripts/run.mjs examples/finetune-app/check.ts
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DetectionsData, writeScenes } from "glip-sdk";
import { start } from "./app.ts";
import type { Lesson } from "./teacher.ts";

const folder = mkdtempSync(join(tmpdir(), "glip-teach-"));
const scenes = join(folder, "scenes");
await writeScenes({ out: scenes, train: 0, val: 2, tune: 8 });
const style = join(scenes, "tune-style");
const train = { format: "coco", annotations: join(style, "instances.json"), images: join(style, "images") };
const picture = readFileSync(join(scenes, "val-style", "images", "000000.jpg"));

let app = await start(join(folder, "prompts"), 0);
try {
  // A lesson, followed to its end.
  assert.equal((await put("twemoji", { train, steps: 3, batchSize: 2 })).status, 202);
  const learnt = await followed("twemoji");
  console.log(`taught: ${learnt.state} after ${learnt.step} steps, ${learnt.categories.length} categories`);
  assert.equal(learnt.state, "ready", String(learnt.error));
  assert.deepEqual([learnt.step, learnt.totalSteps], [3, 3]);

  // What it has learnt answers.
  const { objects } = (await (await detect("twemoji")).json()) as DetectionsData;
  console.log("found:", objects.map(({ label, score }) => `${label} ${score.toFixed(2)}`).join(", "));
  assert.ok(objects.length > 0 && objects.every(({ label }) => learnt.categories.includes(label)));

  // A long lesson outlives the app; meanwhile the model that is taught answers.
  assert.equal((await put("long", { train, steps: 5000, batchSize: 2 })).status, 202);
  await until("long", ({ step }) => step >= 1);
  assert.equal((await detect("twemoji")).status, 200);
  assert.equal((await detect("long")).status, 409);
  const { step } = await lesson("long");
  await app.close();
  app = await start(join(folder, "prompts"), 0);
  await until("long", (one) => one.step > step);
  await until("twemoji", ({ state }) => state === "ready");
  assert.equal((await detect("twemoji")).status, 200);
  console.log(`started anew: the lesson went on from step ${step}`);
  assert.equal((await fetch(`${app.url}/prompts/long`, { method: "DELETE" })).status, 202);
  await until("long", ({ state }) => state === "stopped");
  console.log("stopped");

  // What is wrong is refused, or told by the lesson that it concerns.
  const refused: [status: number, message: RegExp, response: Promise<Response>][] = [
    [400, /steps/, put("other", { train, steps: 0 })],
    [400, /annotations/, put("other", { train: { ...train, annotations: join(folder, "none.json") } })],
    [409, /there is a prompt twemoji already/, put("twemoji", { train })],
    [409, /none is no prompt/, detect("none")],
    [404, /there is no GET \/masks/, fetch(`${app.url}/masks`)],
  ];
  for (const [status, pattern, response] of refused) {
    const { message } = (await (await response).json()) as { message: string };
    assert.equal((await response).status, status);
    assert.match(message, pattern);
    console.log(`refused (${status}): ${message.replaceAll(folder, "…").split("\n")[0]}`);
  }
} finally {
  await fetch(`${app.url}/prompts/long`, { method: "DELETE" });
  await app.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

function put(name: string, body: unknown): Promise<Response> {
  return fetch(`${app.url}/prompts/${name}`, { method: "PUT", body: JSON.stringify(body) });
}

function detect(name: string): Promise<Response> {
  const body = new Uint8Array(picture);
  return fetch(`${app.url}/prompts/${name}/detect?threshold=0.4`, { method: "POST", body });
}

async function lesson(name: string): Promise<Lesson> {
  const lessons = (await (await fetch(`${app.url}/prompts`)).json()) as Lesson[];
  return lessons.find((one) => one.name === name) ?? assert.fail(`there is no prompt ${name}`);
}

async function until(name: string, reached: (lesson: Lesson) => boolean): Promise<void> {
  for (let now = await lesson(name); !reached(now); now = await lesson(name)) {
    assert.notEqual(now.state, "failed", String(now.error));
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Reads server-sent events to their end; the last one says how it ended. */
async function followed(name: string): Promise<Lesson> {
  const text = await (await fetch(`${app.url}/prompts/${name}/events`)).text();
  const last = text.trimEnd().split("\n\n").at(-1) ?? "";
  return JSON.parse(last.replace(/^data: /, "")) as Lesson;
}
