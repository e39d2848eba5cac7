import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { miniBenchmark } from "../src/datasets/benchmarks/mini.ts";
import { shippedModel } from "../src/environment/weights/shipped.ts";
import { fewShot } from "../src/few-shot.ts";
import { attachRun } from "../src/training/folder/attach.ts";
import { failure } from "./support/faults.ts";
import { temporaryFolder } from "./support/folders.ts";

describe("few shots of ODinW", { timeout: 400_000 }, () => {
  it("are learnt for each seed, measured, and put together; a second call does nothing again", async () => {
    const root = await miniBenchmark("odinw", { out: join(temporaryFolder(), "data") });
    const folder = join(root, "odinw", "EgoHands", "generic");
    // What comes with the set for everybody is what is learnt from; of the other seed pictures are drawn.
    const drawn = join(folder, "train", "fewshot_train_shot1_seed30.json");
    copyFileSync(join(folder, "train", "annotations_without_background.json"), drawn);
    const valid = join(folder, "valid");
    cpSync(join(folder, "mini_val"), valid, { recursive: true });
    renameSync(join(valid, "annotations_without_background.json"), join(valid, "fewshot_val_shot1_seed30.json"));
    const output = join(temporaryFolder(), "runs");
    const evaluated = new Set<string>();
    const events: string[] = [];
    const options = {
      sets: { EgoHands: folder },
      shots: [1],
      seeds: [3, 30],
      training: { steps: 2, batchSize: 2, samplePictures: 0 },
      output,
      launch: { threads: 1 },
      devices: ["cpu"],
      onEvent: (name: string, { type }: { type: string }) => {
        if (type === "done") events.push(name);
        if (type === "evaluation") evaluated.add(name);
      },
    };
    const { table, overall } = await fewShot(options);
    const names = ["set=EgoHands,shots=1,seed=3", "set=EgoHands,shots=1,seed=30"];
    expect(table.failed).toEqual([]);
    expect(events).toEqual(names);
    expect([...evaluated], "only what was drawn of valid decides meanwhile").toEqual([names[1]]);
    expect(table.rows.map(({ name }) => name)).toEqual(names);
    const found = table.rows.map(({ metrics }) => metrics.AP ?? -1);
    expect(Math.min(...found)).toBeGreaterThan(0.1);
    expect(overall).toEqual([
      {
        shots: 1,
        mean: expect.closeTo(((found[0] ?? 0) + (found[1] ?? 0)) / 2, 9) as number,
        deviation: expect.any(Number) as number,
        bySeed: { 3: found[0], 30: found[1] },
      },
    ]);
    expect(table.groups).toMatchObject([{ labels: { set: "EgoHands", shots: "1" }, runs: 2 }]);
    const measured = JSON.parse(
      readFileSync(join(output, names[0] ?? "", "measured", "step-00000002", "result.json"), "utf8"),
    ) as object;
    expect(measured).toMatchObject({ benchmark: "coco", pictures: 4 });
    const chosen = names.map((name) => existsSync(join(output, name, "subset.json")));
    expect(chosen).toEqual([true, false]);
    expect((await fewShot(options)).overall).toEqual(overall);
    expect(events).toEqual(names);
  });

  it("are learnt by a tuned prompt, beside the model as it is", async () => {
    const root = await miniBenchmark("odinw", { out: join(temporaryFolder(), "data") });
    const output = join(temporaryFolder(), "runs");
    const options = {
      sets: { EgoHands: join(root, "odinw", "EgoHands", "generic") },
      shots: [1],
      seeds: [3],
      method: "prompt",
      training: { steps: 2, batchSize: 2, samplePictures: 0 },
      output,
      // As the command line has it, of which weights are named alone.
      launch: { engine: undefined, weights: shippedModel("glip-nano")?.path, threads: 1 },
      devices: ["cpu"],
    } as const;
    const { table } = await fewShot(options);
    expect(table.failed).toEqual([]);
    const run = join(output, "set=EgoHands,shots=1,seed=3");
    expect(existsSync(join(run, "prompt.safetensors"))).toBe(true);
    expect(table.rows[0]?.metrics.AP).toBeGreaterThan(0.1);
    const measured = join(run, "measured", "step-00000002", "run.json");
    const { model } = JSON.parse(readFileSync(measured, "utf8")) as { model: string };
    expect(model).toMatch(/^native \w+, prompt \w+$/);
    const full = await failure(fewShot({ ...options, method: "full" }), "invalid_argument");
    expect(full.message).toBe(
      `options.output: expected another folder than ${output}, whose runs have {"method":"prompt"}, got {"method":"full"}`,
    );
    const other = { ...options, training: { ...options.training, steps: 3 }, launch: { model: "glip-nano" } };
    expect((await failure(fewShot(other), "invalid_argument")).details.received).toContain(
      '{"training":{"steps":3,"batchSize":2,"samplePictures":0},"model":"glip-nano"}',
    );
  });

  it.each(["full", "prompt"] as const)("of method %s go on where a run was stopped", async (method) => {
    const root = await miniBenchmark("odinw", { out: join(temporaryFolder(), "data") });
    const output = join(temporaryFolder(), "runs");
    const name = "set=EgoHands,shots=1,seed=3";
    let stop: Promise<void> | undefined;
    const options = {
      sets: { EgoHands: join(root, "odinw", "EgoHands", "generic") },
      shots: [1],
      seeds: [3],
      method,
      training: { steps: 6, batchSize: 1, samplePictures: 0 },
      output,
      // Alone it names no model: it is the one that ships.
      launch: { engine: "native", threads: 1 },
      devices: ["cpu"],
      onEvent: (_: string, { type }: { type: string }) => {
        if (type === "step") stop ??= attachRun(join(output, name)).stop();
      },
    } as const;
    const first = await fewShot(options);
    await stop;
    expect(first.table.rows).toMatchObject([{ ended: "stopped", metrics: { AP: expect.any(Number) as number } }]);
    expect(first.table.groups).toMatchObject([{ runs: 0, metrics: {} }]);
    expect(first.overall).toMatchObject([{ shots: 1, mean: null }]);
    const { table, overall } = await fewShot(options);
    expect(table.rows).toMatchObject([{ ended: "completed", steps: 6, error: null }]);
    expect(overall).toMatchObject([{ shots: 1, mean: table.rows[0]?.metrics.AP }]);
    const last = `step-${String(first.table.rows[0]?.steps).padStart(8, "0")}`;
    expect(readdirSync(join(output, name, "measured")).toSorted()).toEqual([last, "step-00000006"]);
  });

  it("need the folder of a set", async () => {
    const folder = temporaryFolder();
    const error = await failure(fewShot({ sets: { mine: folder }, output: join(folder, "runs") }), "file_error");
    expect(error.details.reason).toBe(
      "options.sets.mine: expected the folder of a set of ODinW, got one without annotations of train",
    );
    const wrong = fewShot({ sets: { mine: folder }, output: folder, method: "prompts" as "prompt" });
    expect((await failure(wrong, "invalid_argument")).details.path).toBe("options.method");
  });

  it.each(["official", "none"] as const)("are not of the engine %s", async (engine) => {
    const folder = temporaryFolder();
    const launch = { engine, model: "glip-t" };
    const wrong = fewShot({ sets: { mine: folder }, output: join(folder, "runs"), launch });
    expect((await failure(wrong, "invalid_argument")).message).toBe(
      `options.launch.engine: expected "native", got "${engine}"`,
    );
    expect(existsSync(join(folder, "runs"))).toBe(false);
  });
});
