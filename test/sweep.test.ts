import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { LaunchOptions } from "../src/options.ts";
import { sweep, type SweepOptions, type SweepPlace } from "../src/sweep.ts";
import { attachRun } from "../src/training/folder/attach.ts";
import type { SweepGrid } from "../src/training/sweep/points.ts";
import { failure, prepare } from "./support/faults.ts";
import { temporaryFolder } from "./support/folders.ts";
import { type RunPlan, startedRun } from "./support/runs.ts";

/** Workers without a model: what is trained is test/fixtures/training-run.mjs. */
async function workers(): Promise<LaunchOptions> {
  const { device: _, ...options } = (await prepare()).options;
  return options;
}

async function begin(plan: RunPlan, { output, resume }: SweepPlace) {
  await startedRun({ pauseMs: 2, ...plan, ...(resume && { first: 5 }) }, output);
  return attachRun(output);
}

const read = (folder: string, name: string): string => readFileSync(join(folder, name), "utf8");

describe("a sweep", { timeout: 60_000 }, () => {
  it("trains every point, two at once, and writes one table", async () => {
    const output = join(temporaryFolder(), "sweep");
    const events: string[] = [];
    let [atOnce, most] = [0, 0];
    const result = await sweep({
      grid: { steps: [6, 12], seed: [1, 2] },
      run: async (glip, { steps, seed }, place) => {
        expect(glip.info.device.type).toBe("cpu");
        most = Math.max(most, (atOnce += 1));
        return begin({ steps, seed }, place);
      },
      measure: async ({ steps }, point, glip) => {
        atOnce -= 1;
        expect(await glip.call("diagnostics.echo", { value: point.seed })).toEqual({ value: point.seed });
        return { "R@1": steps / 100, seed: point.seed };
      },
      onEvent: (name, event) => void (event.type === "done" && events.push(name)),
      output,
      over: "seed",
      launch: await workers(),
      devices: ["cpu"],
      parallel: 2,
    });
    expect(most).toBe(2);
    const names = ["steps=6,seed=1", "steps=6,seed=2", "steps=12,seed=1", "steps=12,seed=2"];
    expect(events.toSorted()).toEqual(names.toSorted());
    expect(result.rows.map(({ name }) => name)).toEqual(names);
    expect(result.failed).toEqual([]);
    expect(result.rows[2]).toEqual({
      name: names[2],
      output: join(output, "steps=12,seed=1"),
      labels: { steps: "12", seed: "1" },
      ended: "completed",
      steps: 12,
      seconds: 12.5,
      checkpoint: join(output, "steps=12,seed=1", "checkpoints", "step-00000010", "model.safetensors"),
      metrics: {
        AP: expect.closeTo(0.28, 2) as number,
        AP50: expect.closeTo(0.42, 2) as number,
        APs: null,
        "R@1": 0.12,
        seed: 1,
      },
      error: null,
    });
    expect(result.groups).toMatchObject([
      { labels: { steps: "6" }, runs: 2, metrics: { seed: { mean: 1.5, deviation: Math.SQRT1_2 } } },
      { labels: { steps: "12" }, runs: 2 },
    ]);
    expect(result.files.json).toBe(join(output, "sweep.json"));
    expect(JSON.parse(read(output, "sweep.json"))).toMatchObject({ rows: result.rows });
    expect(read(output, "sweep.csv")).toMatch(
      /^steps,seed,ended,steps,seconds,AP,AP50,APs,R@1,seed,checkpoint,error\r\n6,1,/,
    );
    expect(read(output, "sweep.md")).toBe(String(result));
  });

  it("goes on where it was interrupted: done is done, and what has a checkpoint is resumed", async () => {
    const output = join(temporaryFolder(), "sweep");
    const launch = await workers();
    const stop = new AbortController();
    const begun: [string, boolean][] = [];
    const options = (signal?: AbortSignal): SweepOptions<SweepGrid> => ({
      grid: { steps: [6, 300] },
      run: (_, { steps }, place) => {
        begun.push([place.name, place.resume]);
        return begin({ steps: Number(steps), pauseMs: 5 }, place);
      },
      onEvent: (name, event) => {
        if (name === "steps=300" && event.type === "checkpoint") stop.abort(new Error("enough"));
      },
      output,
      launch,
      devices: ["cpu"],
      signal,
    });
    expect((await failure(sweep({ ...options(), signal: stop.signal }), "cancelled")).cause).toEqual(
      new Error("enough"),
    );
    expect(JSON.parse(read(output, "sweep.json"))).toMatchObject({ rows: [{ name: "steps=6", ended: "completed" }] });
    // The process that was attached to goes on: it is found again.
    const result = await sweep(options());
    expect(result.rows.map(({ ended }) => ended)).toEqual(["completed", "completed"]);
    expect(begun).toEqual([
      ["steps=6", false],
      ["steps=300", false],
    ]);
  });

  it("goes on with a run that was stopped, which counts in no mean", async () => {
    const output = join(temporaryFolder(), "sweep");
    const launch = await workers();
    let stop: Promise<void> | undefined;
    const options = {
      grid: { steps: [60], seed: [1] },
      run: (_: unknown, { steps }: { steps: number }, place: SweepPlace) => begin({ steps, pauseMs: 20 }, place),
      onEvent: (name: string, { type }: { type: string }) => {
        if (type === "step") stop ??= attachRun(join(output, name)).stop();
      },
      output,
      over: "seed",
      launch,
      devices: ["cpu"],
    } as const;
    const first = await sweep(options);
    await stop;
    expect(first.rows).toMatchObject([{ ended: "stopped" }]);
    expect(first.groups).toEqual([{ labels: { steps: "60" }, runs: 0, metrics: {} }]);
    const second = await sweep(options);
    expect(second.rows).toMatchObject([{ ended: "completed", steps: 60 }]);
    expect(second.groups).toMatchObject([{ runs: 1 }]);
  });

  it("has a row for a run that fails, and tries it again, from its checkpoint", async () => {
    const output = join(temporaryFolder(), "sweep");
    const common = {
      grid: { variant: { good: {}, bad: { end: "failed" }, typo: null } },
      output,
      devices: ["cpu"],
    } as const;
    const launch = await workers();
    const first = await sweep({
      ...common,
      launch,
      run: (_, { variant }, place) => {
        if (variant === null) throw new Error("mine");
        return begin({ steps: 7, ...variant }, place);
      },
    });
    expect(first.rows.map(({ ended, error }) => [ended, error?.code])).toEqual([
      ["completed", undefined],
      ["failed", "loss_not_finite"],
      ["failed", "error"],
    ]);
    expect(first.failed.map(({ name }) => name)).toEqual(["variant=bad", "variant=typo"]);
    expect(first.failed[1]?.error?.message).toBe("mine");
    const places: SweepPlace[] = [];
    const second = await sweep({
      ...common,
      launch,
      run: (_, __, place) => {
        places.push(place);
        return begin({ steps: 8 }, place);
      },
    });
    expect(second.failed).toEqual([]);
    expect(places.map(({ name, resume }) => [name, resume])).toEqual([
      ["variant=bad", true],
      ["variant=typo", false],
    ]);
  });

  it("measures again what was trained but not measured", async () => {
    const output = join(temporaryFolder(), "sweep");
    const launch = await workers();
    let runs = 0;
    const options = {
      grid: { seed: [1] },
      run: (_: unknown, __: unknown, place: SweepPlace) => {
        runs += 1;
        return begin({ steps: 3 }, place);
      },
      output,
      launch,
      devices: ["cpu"],
    };
    const measure = () => Promise.reject(new Error("no pictures"));
    expect((await sweep({ ...options, measure })).failed[0]?.error?.message).toBe("no pictures");
    expect((await sweep({ ...options, measure: () => ({ R: 1 }) })).rows[0]).toMatchObject({
      ended: "completed",
      metrics: { R: 1 },
    });
    expect(runs).toBe(1);
  });

  it("stops with what launch says, when no worker starts", async () => {
    const output = join(temporaryFolder(), "sweep");
    const launch = { interpreter: "/no/python" };
    const run = () => expect.unreachable();
    await failure(sweep({ grid: { seed: [1, 2] }, run, output, launch, devices: ["cpu"] }), "python_not_found");
  });
});

describe("refused at once:", () => {
  it.each<[Record<string, unknown>, string]>([
    [{ run: undefined }, "options.run: expected a function, got undefined"],
    [{ output: "" }, "options.output: expected string with >=1 characters"],
    [{ over: "losses" }, "options.over: expected one of seed, got losses"],
    [{ devices: ["gpu"] }, "options.devices[0]: expected auto, cpu, mps, cuda or cuda:N"],
    [{ parallel: 0 }, "options.parallel: expected number >=1, got 0"],
    [{ grid: { seed: [] } }, "options.grid.seed: expected a list"],
    [{ gird: {} }, "options.gird: expected nothing of that name"],
  ])("%j", async (given, message) => {
    const output = join(temporaryFolder(), "sweep");
    const options = {
      grid: { seed: [1] },
      run: () => expect.unreachable(),
      output,
      ...given,
    } as SweepOptions<SweepGrid>;
    expect((await failure(sweep(options), "invalid_argument")).message).toContain(message);
    expect(existsSync(output)).toBe(false);
  });

  it("another sweep in the folder of one", async () => {
    const output = join(temporaryFolder(), "sweep");
    const launch = await workers();
    const run = (_: unknown, __: unknown, place: SweepPlace) => begin({ steps: 1 }, place);
    await sweep({ grid: { losses: { all: { inter: 1 } } }, run, output, launch, devices: ["cpu"] });
    const other = sweep({ grid: { losses: { all: { inter: 2 } } }, run, output, launch, devices: ["cpu"] });
    expect((await failure(other, "invalid_argument")).message).toContain(
      `options.output: expected another folder than ${output}, where losses=all is {"losses":{"inter":1}}`,
    );
  });

  it("another sweep's settings in the folder of one", async () => {
    const output = join(temporaryFolder(), "sweep");
    const common = { grid: { seed: [1] }, output, launch: await workers(), devices: ["cpu"] };
    const run = (_: unknown, __: unknown, place: SweepPlace) => begin({ steps: 1 }, place);
    await sweep({ ...common, run, settings: { method: "full", steps: 1 } });
    const other = sweep({ ...common, run, settings: { steps: 1, method: "prompt" } });
    expect((await failure(other, "invalid_argument")).message).toBe(
      `options.output: expected another folder than ${output}, whose runs have {"method":"full"}, got {"method":"prompt"}`,
    );
    const same = await sweep({ ...common, run: () => expect.unreachable(), settings: { steps: 1, method: "full" } });
    expect(same.failed).toEqual([]);
  });
});
