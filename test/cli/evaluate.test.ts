import { spawn, type SpawnSyncReturns, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { writePlan } from "../../src/datasets/scenes/write.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { testPython } from "../support/python.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));
const onCpu = ["--device", "cpu", "--threads", "1"];

function evaluate(args: readonly string[], env: object = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [launcher, "evaluate", ...args], {
    env: { ...process.env, GLIP_DEBUG: "", ...env },
    encoding: "utf8",
    timeout: 120_000,
  });
}

describe("what is wrong is said at once, in the command line's words", () => {
  const expected = "Expected scenes:val, scenes:val-pairs, scenes:val-categories, scenes:val-style, or scenes: and a";
  const val = ["--data", "scenes:val"];
  it.each<[string[], string]>([
    [[], "required option '--data <data>' not specified"],
    [["--data", "val"], `argument 'val' is invalid. ${expected} folder (scenes:./mine/val).`],
    [["--data", "scenes:train"], `argument 'scenes:train' is invalid. ${expected}`],
    [["--data", "scenes:./nowhere/val"], `[file_error]: Cannot measure on ${join(process.cwd(), "nowhere", "val")}: `],
    [
      [...val, "--task", "embed"],
      "argument 'embed' is invalid. Allowed choices are detect, ground, segment, answer, caption.",
    ],
    [["--benchmark", "coco"], "required option '--data <data>' not specified"],
    [
      ["--benchmark", "cocoa"],
      "argument 'cocoa' is invalid. Expected coco, lvis-minival, lvis-val, flickr30k, flickr30k-val, phrasecut, " +
        "phrasecut-val, refcoco, refcoco+, refcocog, odinw13, odinw35, vqav2, vqav2-test-dev, coco-captions, " +
        "coco-captions-val2017, mini:coco, mini:lvis, mini:flickr30k, mini:phrasecut, mini:refcoco, mini:odinw, " +
        "mini:vqav2, mini:captions.",
    ],
    [["--benchmark", "odinw13", "--sets", "a,,b"], "argument 'a,,b' is invalid. Expected names with commas between."],
    [["--benchmark", "coco", "--data", "coco:val.json"], "Expected coco:ANNOTATIONS,IMAGES."],
    [[...val, "--out", "run"], "option '--out' is of benchmarks. Expected --benchmark beside it."],
    [[...val, "--resume"], "option '--resume' is of benchmarks."],
    [[...val, "--masks"], "option '--masks' is of benchmarks."],
    [[...val, "--sets", "pistols"], "option '--sets' is of benchmarks."],
    [[...val, "--prompt", "prompt.safetensors"], "option '--prompt' is of benchmarks."],
    [[...val, "--problems", "skip"], "option '--problems' is of benchmarks."],
    [
      ["--benchmark", "mini:coco", "--task", "detect"],
      "option '--task' is of scenes. Expected no --benchmark beside it.",
    ],
    [[...val, "--pictures", "0"], "argument '0' is invalid. Expected a whole number, 1 or more."],
    [[...val, "--pictures", "some"], "argument 'some' is invalid. expected a whole number"],
    [[...val, "--model", "glip-x"], "[invalid_argument]: --model: expected one of glip-nano, "],
  ])("%j", (args, message) => {
    const { status, stdout, stderr } = evaluate(args);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([status, stdout]).toEqual([1, ""]);
  });
});

describe("glip evaluate", () => {
  it("draws the standard pictures, and measures on the first of them", { timeout: 120_000 }, async () => {
    const home = temporaryFolder();
    const args = ["--model", "glip-nano", "--data", "scenes:val", "--task", "detect", "--json", "--pictures", "3"];
    const { status, stdout, stderr } = evaluate([...args, ...onCpu, "--home", home], {
      GLIP_PYTHON: await testPython(),
    });
    expect(stderr).toMatch(/^Drawing the pictures of val\b.* …$/m);
    expect(JSON.parse(stdout)).toEqual({
      task: "detect",
      split: "val",
      pictures: 3,
      metrics: Object.fromEntries(
        ["AP", "AP50", "AP75", "APs", "APm", "APl"].map((name) => [name, expect.any(Number) as number]),
      ),
      seconds: expect.any(Number) as number,
    });
    expect(status).toBe(0);
  });

  it("draws a benchmark in miniature and measures by it, and goes on with its run", { timeout: 120_000 }, async () => {
    const home = temporaryFolder();
    const out = join(home, "run");
    const args = ["--benchmark", "mini:lvis", "--out", out, "--home", home, ...onCpu];
    const env = { GLIP_PYTHON: await testPython() };
    const { status, stdout } = evaluate([...args, "--pictures", "2", "--json"], env);
    const { metrics, ...rest } = JSON.parse(stdout) as { metrics: { box: Record<string, Record<string, unknown>> } };
    expect(rest).toMatchObject({ benchmark: "lvis-minival", pictures: 2, problems: [], output: out });
    const names = ["AP", "AP50", "AP75", "APs", "APm", "APl", "APr", "APc", "APf", "AR"];
    expect([Object.keys(metrics.box["fixed"] ?? {}), Object.keys(metrics.box["plain"] ?? {})]).toEqual([names, names]);
    expect(status).toBe(0);
    const again = evaluate([...args, "--pictures", "3", "--resume"], env);
    expect(again.stdout).toMatch(/^lvis-minival on 3 pictures, \d+\.\d s, in .*\nbox\.fixed\.AP +0\.\d{3}\n/);
    expect(again.status).toBe(0);
    const refused = evaluate(args, env);
    expect(refused.stderr).toContain("[invalid_argument]: --out: expected a folder without a run in it, or resume");
  });

  it("says which tuned prompt is not there, before it draws or launches anything", () => {
    const { status, stderr } = evaluate(["--benchmark", "mini:coco", "--prompt", "no.safetensors"]);
    expect(status).toBe(1);
    expect(stderr).toContain("--prompt: expected a file that can be read, got no.safetensors: it does not exist");
  });

  it("measures the sets of ODinW that are named", { timeout: 120_000 }, async () => {
    const home = temporaryFolder();
    const args = ["--benchmark", "mini:odinw", "--home", home, ...onCpu, "--pictures", "1"];
    const env = { GLIP_PYTHON: await testPython() };
    const { status, stdout } = evaluate([...args, "--sets", "pistols, EgoHands_generic"], env);
    expect(stdout).toMatch(/^odinw13 on 2 pictures, .*\nAP\.mean +0\.\d{3}\nAP\.median +0\.\d{3}\n/);
    expect(stdout).toMatch(/\nEgoHands_generic +0\.\d{3}\npistols +0\.\d{3}\n$/);
    expect(status).toBe(0);
  });

  it("lists all that a benchmark's folder lacks", { timeout: 60_000 }, async () => {
    const env = { GLIP_PYTHON: await testPython() };
    const { status, stderr } = evaluate(["--benchmark", "lvis-val", "--data", temporaryFolder(), ...onCpu], env);
    expect(stderr).toContain("[benchmark_incomplete]: ");
    for (const name of ["lvis_od_val.json", "train2017", "val2017", "https://www.lvisdataset.org/dataset"])
      expect(stderr).toContain(name);
    expect(status).toBe(1);
  });

  it("measures on a folder, and prints what a person reads", { timeout: 60_000 }, async () => {
    const out = join(temporaryFolder(), "scenes");
    await writePlan({ out, plan: [{ split: "val-pairs", count: 2 }], seed: 3, size: 128 });
    const data = `scenes:${join(out, "val-pairs")}`;
    // Without --model: weights alone are the native engine's too.
    const model = ["--weights", fileURLToPath(new URL("../../models/glip-nano/model.safetensors", import.meta.url))];
    const env = { GLIP_PYTHON: await testPython() };
    const { status, stdout } = evaluate(["--data", data, "--task", "ground", ...model, ...onCpu], env);
    expect(stdout).toMatch(
      /^ground on 2 pictures of val-pairs, \d+\.\d s\nrecallAt1 +\d\.\d{3}\nlargestObject +0\.\d{3}\nanyObject +0\.\d{3}\n$/,
    );
    expect(status).toBe(0);
  });

  it("ends with 130 when it is interrupted, and leaves nothing half", { timeout: 60_000 }, async () => {
    const home = temporaryFolder();
    const args = [launcher, "evaluate", "--data", "scenes:val-style", "--home", home];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    const printed: string[] = [];
    child.stdout.on("data", (chunk: Buffer) => printed.push(chunk.toString()));
    const scenes = join(home, "datasets", "scenes-1");
    await vi.waitFor(() => expect(existsSync(scenes) && readdirSync(scenes).join()).toMatch(/\.part-/), 20_000);
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(readdirSync(scenes)).toEqual([]);
    expect(printed).toEqual([]);
  });
});
