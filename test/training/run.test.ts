import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Glip } from "../../src/glip.ts";
import type { TrainingEvent } from "../../src/training/events.ts";
import type { FinetuneOptions } from "../../src/training/options.ts";
import type { TrainResult } from "../../src/training/results.ts";
import type { Run } from "../../src/training/run.ts";
import { within } from "../support/connection.ts";
import { failure, launchFaulty } from "../support/faults.ts";
import { launchPlayer, runFolder, seenBy } from "../support/training.ts";

// The training methods are test/fixtures/plugins/training.py: what `play` says is played, and nothing is trained.
let worker: Awaited<ReturnType<typeof launchPlayer>>;
let glip: Glip;
beforeAll(async () => {
  worker = await launchPlayer();
  ({ glip } = worker);
});
afterAll(() => worker[Symbol.asyncDispose]());

function start(play: string, more: Partial<FinetuneOptions> = {}, handle: Glip = glip) {
  const { data, config, weights, output } = runFolder();
  return handle.finetune({ train: data, config, weights, output, settings: { play }, ...more });
}

async function collect(run: AsyncIterable<TrainingEvent>): Promise<TrainingEvent[]> {
  const events: TrainingEvent[] = [];
  for await (const event of run) events.push(event);
  return events;
}

/** A run that was ended early has ended in Python too, and the worker takes the next call. */
async function expectStopped(before: number): Promise<void> {
  const { stopped } = await within(2000, seenBy(glip));
  expect(stopped).toBe(before + 1);
}

const stepEvent = {
  type: "step",
  step: 1,
  totalSteps: 4,
  epoch: 0.5,
  losses: { loss_reg: 0.5, loss_centerness: null, total: 1.25 },
  learningRate: 1e-4,
  seconds: 0.5,
  dataSeconds: 0.125,
  memoryBytes: 2 ** 33,
  etaSeconds: 60,
};
const events = [
  { type: "start", totalSteps: null, config: "training.yaml", command: ["python", "-m", "it"] },
  stepEvent,
  { type: "progress", pictures: 2, totalPictures: 5, etaSeconds: 1.5 },
  { type: "evaluation", step: 1, metrics: { AP: 0.25, APs: null } },
  { type: "checkpoint", step: null, path: "model_final.pth", best: true },
  { type: "log", text: "a line" },
];

describe("a run", () => {
  it("brings its events in order, then its result", async () => {
    const run = start("all");
    expect(await within(5000, collect(run))).toEqual(events);
    const { output } = run;
    expect(JSON.parse(JSON.stringify(await run.result))).toEqual({
      output,
      config: `${output}/training.yaml`,
      checkpoint: `${output}/model_final.pth`,
      best: null,
      steps: 3,
      totalSteps: 4,
      ended: "plateau",
      metrics: { AP: 0.25, AP50: 0.5, APs: null },
      seconds: 1.5,
    });
  });

  it("of pre-training, and of an evaluation, does so too", async () => {
    const { data, config, weights, output } = runFolder();
    const training = glip.pretrain({ train: data, config, weights, output });
    expect(await within(5000, collect(training))).toEqual(events);
    expect(await training.result).toMatchObject({ output, ended: "plateau" });
    const measuring = glip.evaluate({ data, config, weights, output });
    expect(await within(5000, collect(measuring))).toEqual(events);
    const result = await measuring.result;
    expect(JSON.parse(JSON.stringify(result))).toEqual({
      metrics: { AP: 0.25, AP50: 0.5, AP75: 0.125, APs: null, APm: 0, APl: 1 },
      perCategory: { person: 0.25, "<b>": null },
      predictions: `${output}/bbox.json`,
      output,
      config: `${output}/evaluation.yaml`,
      seconds: 2.5,
    });
  });

  it("gives its result alone, however many events nobody reads", async () => {
    expect(await within(5000, start("many").result)).toMatchObject({ steps: 3 });
  });

  it("is iterated once", async () => {
    const run = start("all");
    await collect(run);
    const error = await failure(collect(run), "invalid_argument");
    expect(error.message).toContain("collect its events in an array");
  });

  it("sends what Python's structs take", async () => {
    const { data, config, weights, output } = runFolder();
    await glip.finetune({ train: data, val: data, config, weights, output, method: "prompt", shots: 5 }).result;
    const { params } = await seenBy(glip);
    expect(params).toMatchObject({ method: "prompt_v2", shots: 5, shot_seed: 3, train: [data], validation: data });
  });
});

describe("ends early, in the worker too,", () => {
  it("when its loop is left", async () => {
    const { stopped } = await seenBy(glip);
    const run = start("endless");
    for await (const event of run) if (event.type === "step" && event.step === 3) break;
    await failure(run.result, "cancelled");
    await expectStopped(stopped);
  });

  it("when its loop throws", async () => {
    const { stopped } = await seenBy(glip);
    const loop = async (): Promise<void> => {
      for await (const event of start("endless")) if (event.type === "step") throw new Error("mine");
    };
    await expect(loop()).rejects.toThrow("mine");
    await expectStopped(stopped);
  });

  it("when it is cancelled", async () => {
    const { stopped } = await seenBy(glip);
    const run = start("endless");
    const loop = async (): Promise<void> => {
      for await (const event of run) if (event.type === "step") void run.cancel();
    };
    await failure(loop(), "cancelled");
    await failure(run.result, "cancelled");
    await expectStopped(stopped);
  });

  it("by its signal, with the reason", async () => {
    const { stopped } = await seenBy(glip);
    const controller = new AbortController();
    const reason = new Error("changed my mind");
    const run = start("endless", { signal: controller.signal });
    const loop = async (): Promise<void> => {
      for await (const event of run) if (event.type === "step") controller.abort(reason);
    };
    expect((await failure(loop(), "cancelled")).cause).toBe(reason);
    expect((await failure(run.result, "cancelled")).cause).toBe(reason);
    await expectStopped(stopped);
  });

  it("by a signal that was aborted before, without being sent", async () => {
    const error = await failure(start("endless", { signal: AbortSignal.abort("before") }).result, "cancelled");
    expect(error.cause).toBe("before");
  });

  it("with the block that it is used in", async () => {
    const { stopped } = await seenBy(glip);
    const use = async (): Promise<Run<TrainingEvent, TrainResult>> => {
      await using run = start("endless");
      const { value } = await run[Symbol.asyncIterator]().next();
      expect(value).toMatchObject({ type: "start" });
      return run;
    };
    await failure((await use()).result, "cancelled");
    await expectStopped(stopped);
  });
});

describe("the end of a run in the worker", () => {
  it("is waited for by cancel(), while the result rejects before", async () => {
    const run = start("slow to stop");
    await run[Symbol.asyncIterator]().next();
    let ended = false;
    const stopping = run.cancel().then(() => (ended = true));
    await failure(run.result, "cancelled");
    expect(ended).toBe(false);
    const cancelled = performance.now();
    await within(5000, stopping);
    expect(performance.now() - cancelled).toBeGreaterThan(250);
    // The worker is free, so that this does not wait.
    await within(200, seenBy(glip));
  });

  it.each(["all", "refuse", "bad result"])("comes with its answer: %s", async (play) => {
    const run = start(play);
    await run.result.catch(() => {});
    await within(100, run.ended);
    await within(100, run.cancel());
  });

  it("comes with that of the worker, of the handle, and when it was never begun", async () => {
    await using other = await launchPlayer();
    await within(5000, start("die", {}, other.glip).ended);
    await using another = await launchPlayer();
    const run = start("endless", {}, another.glip);
    await run[Symbol.asyncIterator]().next();
    await another.glip.close();
    await within(100, run.ended);
    await within(100, start("all", {}, another.glip).ended);
    await within(100, start("all", { signal: AbortSignal.abort() }).ended);
  });
});

describe("what ends a run badly comes from its loop and from its result:", () => {
  it.each([
    ["refuse", "invalid_argument", "options.frozenStages: expected at most 4, whatever batchSize is, got 9"],
    ["refuse the setting", "invalid_argument", "options.settings.MODEL.WEIGHT: expected no such key, got one"],
    ["refuse the data", "dataset_invalid", "train.json cannot be used"],
    ["bad event", "invalid_message", "the event of training.finetune does not fit its schema"],
    ["bad result", "worker_error", "Expected `str`, got `int` - at `$.output`"],
  ] as const)("%s", async (play, code, message) => {
    const run = start(play);
    const inLoop = await within(5000, failure(collect(run), code));
    expect(inLoop.message).toContain(message);
    expect((await failure(run.result, code)).message).toBe(inLoop.message);
    expect(await within(5000, start("all").result)).toMatchObject({ steps: 3 });
  });

  it("a method that the engine has not", async () => {
    await using other = await launchFaulty();
    expect((await failure(start("all", {}, other.glip).result, "unknown_method")).details.method).toBe(
      "training.finetune",
    );
  });

  it("the worker's death, with the events before it", async () => {
    await using other = await launchPlayer();
    const run = start("die", {}, other.glip);
    const found: string[] = [];
    const loop = async (): Promise<void> => {
      for await (const event of run) found.push(event.type);
    };
    expect((await within(5000, failure(loop(), "worker_died"))).details.exitCode).toBe(3);
    expect(found).toEqual(["start", "step"]);
    await failure(run.result, "worker_died");
  });

  it("the handle's end", async () => {
    await using other = await launchPlayer();
    const run = start("endless", {}, other.glip);
    const loop = async (): Promise<void> => {
      for await (const event of run) if (event.type === "step") await other.glip.close();
    };
    await within(10_000, failure(loop(), "worker_closed"));
    await failure(run.result, "worker_closed");
  });

  it("and is no unhandled rejection when nobody asks for the result, or asks and iterates", async () => {
    const unhandled: unknown[] = [];
    const listener = (error: unknown): void => void unhandled.push(error);
    process.on("unhandledRejection", listener);
    const run = start("refuse");
    void run.result;
    await failure(collect(run), "invalid_argument");
    start("refuse");
    await seenBy(glip);
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off("unhandledRejection", listener);
    expect(unhandled).toEqual([]);
  });
});

describe("in a notebook", () => {
  const display = (value: object) =>
    (value as Record<symbol, () => Record<string, string>>)[Symbol.for("Jupyter.display")]?.();

  it("a run says where it writes, a result shows a table", async () => {
    const run = start("all");
    expect(display(run)).toEqual({
      "text/plain": `Fine-tuning into ${run.output}: iterate it for its events, or await its result`,
    });
    const shown = display(await run.result);
    expect(shown?.["text/plain"]).toContain(
      "steps       3 of 4\nAP          0.250\nAP50        0.500\nAPs         –\n",
    );
    expect(shown?.["text/html"]).toContain("<tr><td>ended</td><td>plateau</td></tr>");
  });

  it("an evaluation shows each category's AP, whatever its name", async () => {
    const { data, config, weights, output } = runFolder();
    const shown = display(await glip.evaluate({ data, config, weights, output }).result);
    expect(shown?.["text/plain"]).toContain("AP of person  0.250\nAP of <b>     –");
    expect(shown?.["text/html"]).toContain("<td>AP of &#60;b&#62;</td>");
  });
});
