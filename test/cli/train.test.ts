import type { Command } from "commander";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writePlan } from "../../src/datasets/scenes/write.ts";
import { addFinetune, addPretrain } from "../../src/cli/train.ts";
import { command } from "../support/command.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { glip, startGlip } from "../support/glip.ts";
import { testPython } from "../support/python.ts";
import { tinyModel } from "../support/tiny-model.ts";

/** What a command says is wrong. It starts no worker: there is no such Python. */
async function refusal(...args: string[]): Promise<string | undefined> {
  const add = (program: Command): void => {
    addPretrain(program);
    addFinetune(program);
  };
  return (await command(add, [...args, "--python", "/no/python"])).error;
}

const scenes = ["--train", "scenes:scenes/train", "--output", "run"];

describe("what is wrong is said at once, in the command line's words", () => {
  it.each<[string[], string]>([
    [["--output", "run"], "--train <data>: expected a value, here or in the file of --options"],
    [["--train", "scenes:a"], "--output <dir>: expected a value, here or in the file of --options"],
    [
      ["--train", "a.json"],
      "option '--train <data>' argument 'a.json' is invalid. Expected one of coco:ANNOTATIONS,IMA",
    ],
    [["--train", "coco:a.json"], "argument 'coco:a.json' is invalid. Expected coco:ANNOTATIONS,IMAGES."],
    [[...scenes, "--steps", "some"], "argument 'some' is invalid. expected a whole number"],
    [[...scenes, "--option", "seed"], "argument 'seed' is invalid. expected KEY=VALUE or KEY.KEY=VALUE"],
    [[...scenes, "--engine", "none"], "argument 'none' is invalid. Allowed choices are native, official."],
    [[...scenes, "--options", "no.json"], "Cannot use the options in no.json: ENOENT"],
    [[...scenes, "--learning-rate", "x"], "--learning-rate: expected number, got NaN"],
    [[...scenes, "--batch-size", "0"], "--batch-size: expected number >=1, got 0"],
    [[...scenes, "--precision", "int8"], '--precision: expected one of "float32"|"bfloat16"|"float16", got "int8"'],
    [[...scenes, "--option", "losses.inter=-1"], "--option losses.inter: expected number >=0, got -1"],
    [[...scenes, "--option", "epoch=3"], "--option epoch: expected nothing of that name, got 3"],
    [[...scenes, "--option", "pieces={}"], "--option pieces: expected nothing: it is an option of the engine official"],
    [[...scenes, "--steps", "1", "--epochs", "1"], "--epochs: expected nothing beside options.steps, got 1"],
    [[...scenes, "--model", "glip-xl"], "--model: expected one of glip-nano, glip-t-a, "],
    [scenes, "--train (train[0].folder): expected a folder that can be read, got "],
    [[...scenes, "--train", "scenes:."], "--train (train[0].folder): expected a folder that can be read, got "],
  ])("%j", async (args, message) => {
    for (const verb of ["pretrain", "finetune"]) expect(await refusal(verb, ...args)).toContain(message);
  });

  it.each<[string[], string]>([
    [["--method", "prompt-v1"], '--method: expected one of "full"|"linear-probe"|"prompt", got "prompt-v1"'],
    [["--task", "count"], '--task: expected one of "detect"|"ground"|"segment"|"answer"|"caption", got "count"'],
    [["--shots", "0"], "--shots: expected number >=1, got 0"],
  ])("finetune %j", async (args, message) => {
    expect(await refusal("finetune", ...scenes, ...args)).toContain(message);
    expect(await refusal("pretrain", ...scenes, ...args)).toContain(`unknown option '${args[0]}'`);
  });

  it("also of a file of options, where flags count more", async () => {
    const file = join(temporaryFolder(), "options.json");
    const train = { format: "scenes", folder: "." };
    writeFileSync(file, JSON.stringify({ train, output: "run", losses: { mlm: "much" }, batchSize: -1 }));
    const options = ["--options", file, "--batch-size", "4"];
    expect(await refusal("pretrain", ...options)).toContain('--option losses.mlm: expected number, got "much"');
    const right = [...options, "--option", "losses.mlm=0.5"];
    expect(await refusal("pretrain", ...right)).toContain("--python is /no/python, but there is no such file.");
    const val = { format: "yolo", file: "data.yaml", split: "val" };
    writeFileSync(file, JSON.stringify({ train, val, output: "run" }));
    expect(await refusal("pretrain", "--options", file, "--val", "scenes:.")).toContain("--python is /no/python");
  });
});

describe("the command", { timeout: 180_000 }, () => {
  beforeAll(requireBuild);

  it("trains, stops at the first Ctrl-C with a checkpoint, and goes on", async () => {
    const folder = temporaryFolder();
    const out = join(folder, "scenes");
    await writePlan({ out, plan: [{ split: "train", count: 4 }], seed: 1, size: 128 });
    const options = join(folder, "options.json");
    writeFileSync(options, JSON.stringify({ config: tinyModel, batchSize: 2, checkpointSteps: 1000 }));
    const output = join(folder, "run");
    const data = ["--train", `scenes:${join(out, "train")}`, "--output", output, "--options", options];
    const args = ["pretrain", ...data, "--device", "cpu", "--threads", "1"];
    const env = { GLIP_PYTHON: await testPython() };
    const { child, printed } = startGlip([...args, "--steps", "1000"], env);
    await expect.poll(() => printed.err, { timeout: 120_000 }).toContain("step 1 of 1000");
    child.kill("SIGINT");
    expect(await once(child, "exit")).toEqual([130, null]);
    expect(printed.err).toContain("Stopping after this step, with a checkpoint (again: at once)");
    const steps = Number(/^stopped after (\d+) of 1000 steps/.exec(printed.out)?.[1]);
    const more = glip([...args, "--steps", String(steps + 1), "--resume", "--json"], env);
    const lines = more.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines[0]).toMatchObject({ type: "start", step: steps });
    expect(lines.at(-1)).toMatchObject({ ended: "completed", steps: steps + 1, output });
    expect(more.status).toBe(0);
  });

  it("ends with 1, and one line", () => {
    const { status, stdout, stderr } = glip(["finetune", ...scenes]);
    expect(stderr).toMatch(/^glip: error \[file_error\]: .*\n$/);
    expect([status, stdout]).toEqual([1, ""]);
  });
});
