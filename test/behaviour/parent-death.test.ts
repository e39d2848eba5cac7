import { expect, test } from "vitest";
import { within } from "../support/connection.ts";
import { prepare, transports } from "../support/faults.ts";
import { expectNothingLeft, processesOf } from "../support/leftovers.ts";
import { startParent } from "../support/parent.ts";

const children: [string, Record<string, unknown>][] = [["faults.spawn", { count: 2 }]];

/** The worker, its watchdog and its two children. */
const processesOfOneWorker = 4;

test.each([
  ["idle", "zeromq", []],
  ["idle", "zmtp", []],
  ["computing", "zmtp", [["faults.sleep", { seconds: 60, cooperative: false }]]],
  ["in native code that holds the GIL", "zeromq", [["faults.hold_gil", { seconds: 60 }]]],
] as const)("SIGKILL of the program while the worker is %s (%s)", async (_, transport, background) => {
  const { options, mark } = await prepare({ transport });
  const calls = children;
  const parent = startParent({
    options,
    calls,
    background: background.map(([name, params]) => [name, params]),
    finish: "wait",
  });
  await within(15_000, parent.line());
  expect(processesOf(mark)).toHaveLength(processesOfOneWorker);
  parent.process.kill("SIGKILL");
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 1000 });
});

test("SIGKILL of the program with a real torch at work", { timeout: 40_000 }, async () => {
  const { options, mark } = await prepare({ torch: true });
  const large: [string, Record<string, unknown>] = ["diagnostics.generate", { dtype: "float32", shape: [10_000_000] }];
  const parent = startParent({
    options,
    calls: [...children, large],
    background: [large, large],
    finish: "wait",
  });
  await within(30_000, parent.line());
  parent.process.kill("SIGKILL");
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 1000 });
});

test("SIGKILL of the program while the worker starts", async () => {
  const { options, mark } = await prepare({ start: "hang" });
  const parent = startParent({ options, finish: "wait" });
  // The worker and its watchdog.
  await expect.poll(() => processesOf(mark).length, { timeout: 10_000 }).toBe(2);
  parent.process.kill("SIGKILL");
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 1000 });
});

test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)("%s ends the program and the worker", async (signal) => {
  const { options, mark } = await prepare();
  const parent = startParent({ options, calls: children, finish: "wait" });
  await within(15_000, parent.line());
  parent.process.kill(signal);
  await within(1000, parent.ended);
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 1000 });
});

test.each([
  ["process.exit()", "exit", 3],
  ["an exception that nobody catches", "throw", 1],
] as const)("%s without close() ends the worker too", async (_, finish, code) => {
  const { options, mark } = await prepare();
  const parent = startParent({ options, calls: children, finish });
  await within(15_000, parent.line());
  expect(await within(1000, parent.ended)).toEqual({ code, signal: null });
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 1000 });
});

test.each(transports)("%s: after close() the program ends by itself", async (transport) => {
  const { options, mark } = await prepare({ transport, python: true });
  const parent = startParent({ options, calls: children, finish: "close" });
  await within(15_000, parent.line());
  expect(await within(2000, parent.line())).toEqual({ done: true });
  expect(await within(500, parent.ended)).toEqual({ code: 0, signal: null });
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 500 });
});

test.each(transports)("%s: after a launch that failed the program ends by itself", async (transport) => {
  const { options, mark } = await prepare({ transport, start: "exit" });
  const parent = startParent({ options, finish: "leave" });
  expect(await within(15_000, parent.line())).toEqual({ code: "worker_start_failed" });
  expect(await within(500, parent.ended)).toEqual({ code: 0, signal: null });
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 500 });
});

test("a worker that died keeps no program alive", async () => {
  const { options, mark } = await prepare();
  const parent = startParent({ options, background: [["faults.exit", { code: 1 }]], finish: "leave" });
  await within(15_000, parent.line());
  expect(await within(1500, parent.ended)).toEqual({ code: 0, signal: null });
  await expectNothingLeft({ mark, owner: parent.pid, withinMs: 500 });
});
