import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, expect, it } from "vitest";
import { requireBuild, temporaryFolder } from "../support/folders.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));
const model = ["--engine", "native", "--config", "glip-nano", "--weights", "random", "--device", "cpu"];
// Random weights are sure of nothing.
const set = ["--set", "understanding={}", "--set", "postprocess.threshold=0", "--threshold", "0", "--max-objects", "2"];

async function drawPicture(folder: string): Promise<string> {
  const file = join(folder, "a.png");
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray", noise } }).toFile(file);
  return file;
}

function glip(...args: string[]) {
  return spawnSync(process.execPath, [launcher, ...args, "--threads", "1", ...model, ...set], { encoding: "utf8" });
}

it("a question is answered, printed and drawn", { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  const [picture, drawing] = [await drawPicture(folder), join(folder, "drawn.png")];
  const question = "is it a cat or a dog?";
  const run = glip("answer", picture, question, "--answer", "cat", "--answer", "dog", "--save", drawing);
  expect(run.stderr).not.toContain("error");
  expect(run.stdout).toMatch(
    /a\.png: (cat 0\.\d\d, dog|dog 0\.\d\d, cat) 0\.\d\d\n {2}what the question speaks of: 2 obj/,
  );
  expect(existsSync(drawing)).toBe(true);
  const { stdout, status } = glip("answer", picture, question, "--answer", "cat", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ question, answers: [{ answer: "cat", probability: 1 }] });
  expect(status).toBe(0);
});

it("a caption is told, printed and drawn", { timeout: 120_000 }, async () => {
  const folder = temporaryFolder();
  const [picture, drawing] = [await drawPicture(folder), join(folder, "drawn.svg")];
  const { stdout, stderr } = glip("caption", picture, "--max-tokens", "4", "--json", "--save", drawing);
  expect(stderr).not.toContain("error");
  const told = JSON.parse(stdout) as { caption: string };
  expect(told).toMatchObject({ width: 160, height: 120, saved: drawing, ended: false });
  expect(told.caption).not.toBe("");
  expect(existsSync(drawing)).toBe(true);
});

it.each([
  [["answer", "a.jpg"], 'e.g. "how many dogs are there?", got only "a.jpg"'],
  [["answer", "a.jpg", "what?", "--threshold", "dog=0.3"], "--threshold: expected one score for all"],
  [["answer", "a.jpg", "what?", "--top", "0"], "--top: expected"],
  [["caption"], "expected a picture, got nothing"],
  [["caption", "a.jpg", "--temperature", "no"], "--temperature: expected"],
])("what cannot be run is said before anything starts: %j", (args, message) => {
  const { stderr, status } = glip(...args);
  expect(stderr).toContain(message);
  expect(status).toBe(1);
});
