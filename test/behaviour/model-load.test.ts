import { beforeEach, describe, expect, test, vi } from "vitest";
import type { EngineOptions } from "../../src/engine.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { LaunchOptions } from "../../src/options.ts";
import type { ModelRequest } from "../../src/worker/load-model.ts";
import { within } from "../support/connection.ts";
import { failure, prepare } from "../support/faults.ts";
import { fixture } from "../support/folders.ts";

// The engine is a plugin, so that loading goes wrong as the test wants it: test/fixtures/plugins/wire.py.
const asked = vi.hoisted(() => ({ settings: {} as Record<string, unknown> }));
vi.mock("../../src/engine.ts", () => ({
  resolveEngine: ({ interpreter }: EngineOptions) => {
    const model: ModelRequest = { config: "a.yaml", weights: null, text_encoder: null, accelerate: [], ...asked };
    return { python: interpreter, name: "none", options: {}, model };
  },
}));
beforeEach(() => {
  asked.settings = {};
});

const prepared = (options: LaunchOptions = {}) =>
  prepare({ plugins: ["wire"], pythonPath: [fixture("plugins")], ...options });

test("the model is there when launch() resolves", async () => {
  const { options, expectNothingLeft } = await prepared();
  const glip = await launch(options);
  expect(glip.model).toEqual({
    config: "a.yaml",
    weights: null,
    settings: {},
    textEncoder: null,
    accelerate: [],
    parameters: glip.info.pid,
    tensors: 745,
    ignored: ["optimizer"],
    seconds: 0.5,
  });
  await glip.close();
  await expectNothingLeft();
});

test("each worker of a pool loads it", async () => {
  const { options, expectNothingLeft } = await prepared({ devices: ["cpu", "cpu"] });
  const glip = await launch(options);
  const told = await Promise.all([0, 1].map(() => glip.call("wire.loads")));
  const byPid = (a: { pid: number }, b: { pid: number }): number => a.pid - b.pid;
  expect((told as { pid: number }[]).sort(byPid)).toEqual(
    glip.workers.map(({ pid }) => ({ pid, loads: 1 })).sort(byPid),
  );
  await glip.close();
  await expectNothingLeft();
});

test("a worker that is restarted loads it again before calls go on", async () => {
  const { options, expectNothingLeft } = await prepared({ restart: { max: 1, windowMs: 60_000, backoffMs: 1 } });
  const glip = await launch(options);
  const first = glip.info.pid;
  Object.assign(asked.settings, { sleep: 0.3 });
  await within(10_000, lossOf(glip));
  expect(await within(10_000, glip.call("wire.loads"))).toMatchObject({ loads: 1 });
  expect(glip.info.pid).not.toBe(first);
  expect(glip.model?.parameters).toBe(glip.info.pid);
  await glip.close();
  await expectNothingLeft();
});

test("a restart whose model can no longer be loaded ends with the reason", async () => {
  const { options, expectNothingLeft } = await prepared({ restart: { max: 1, windowMs: 60_000, backoffMs: 1 } });
  const glip = await launch(options);
  const details = { path: "/w.pth", field: "size", expected: "2", received: "1" };
  Object.assign(asked.settings, { error: ["weights_mismatch", details] });
  await within(10_000, lossOf(glip));
  const error = await within(10_000, failure(glip.call("wire.loads"), "weights_mismatch"));
  expect(error.details).toEqual(details);
  await glip.close();
  await expectNothingLeft();
});

/** Kills the worker, and resolves when the handle knows. */
function lossOf(glip: Glip): Promise<void> {
  const lost = new Promise<void>((resolve) => glip.on("lost", () => resolve()));
  process.kill(glip.info.pid, "SIGKILL");
  return lost;
}

describe("typed errors of the load are launch()'s, and nothing is left", () => {
  test.each([
    ["weights_mismatch", { path: "/w.pth", field: "content", expected: "745 tensors", received: "3" }],
    ["weights_missing", { name: "/w.pth", path: "/w.pth" }],
    ["config_invalid", { path: "a.yaml", keys: ["MODEL.NO"], reason: "there is no such key" }],
    ["out_of_memory", { type: "MemoryError", traceback: "" }],
    ["invalid_argument", { path: "settings", expected: "a number", received: "a list" }],
  ] as const)("%s", async (code, details) => {
    const { options, expectNothingLeft } = await prepared();
    asked.settings = { error: [code, details] };
    const error = await within(10_000, failure(launch(options), code));
    expect(error.details).toEqual(details);
    expect(error.message).toBe(`${code} as the test wants it`);
    await expectNothingLeft();
  });
});

test("a worker that dies over it", async () => {
  const { options, expectNothingLeft } = await prepared();
  asked.settings = { exit: 9 };
  const { details } = await within(10_000, failure(launch(options), "worker_start_failed"));
  expect(details.exitCode).toBe(9);
  await expectNothingLeft();
});

test("a load that takes longer than startTimeoutMs", async () => {
  const { options, expectNothingLeft } = await prepared({ startTimeoutMs: 2000 });
  asked.settings = { sleep: 60 };
  const error = await within(4000, failure(launch(options), "worker_start_timeout"));
  expect(error.message).toContain("startTimeoutMs");
  await expectNothingLeft();
});

test("a load that is cancelled", async () => {
  const controller = new AbortController();
  const { options, expectNothingLeft } = await prepared();
  asked.settings = { sleep: 60 };
  let ready = (): void => {};
  const loading = new Promise<void>((resolve) => (ready = resolve));
  const started = failure(
    launch({ ...options, signal: controller.signal, onLog: ({ text }) => text.includes("loading") && ready() }),
    "cancelled",
  );
  await within(10_000, loading);
  const reason = new Error("enough");
  controller.abort(reason);
  expect((await within(1000, started)).cause).toBe(reason);
  await expectNothingLeft();
});
