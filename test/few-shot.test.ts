import { copyFileSync, cpSync, existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { miniBenchmark } from "../src/datasets/benchmarks/mini.ts";
import { fewShot } from "../src/few-shot.ts";
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
      readFileSync(join(output, names[0] ?? "", "measured", "result.json"), "utf8"),
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
    const { table } = await fewShot({
      sets: { EgoHands: join(root, "odinw", "EgoHands", "generic") },
      shots: [1],
      seeds: [3],
      method: "prompt",
      training: { steps: 2, batchSize: 2, samplePictures: 0 },
      output,
      launch: { threads: 1 },
      devices: ["cpu"],
    });
    expect(table.failed).toEqual([]);
    const run = join(output, "set=EgoHands,shots=1,seed=3");
    expect(existsSync(join(run, "prompt.safetensors"))).toBe(true);
    expect(table.rows[0]?.metrics.AP).toBeGreaterThan(0.1);
    const { model } = JSON.parse(readFileSync(join(run, "measured", "run.json"), "utf8")) as { model: string };
    expect(model).toMatch(/^native \w+, prompt \w+$/);
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
});
