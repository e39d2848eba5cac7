import { describe, expect, test } from "vitest";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, transports } from "../support/faults.ts";

const devices = ["cpu", "cpu"];

interface Slept {
  pid: number;
}

describe.each(transports)("%s: two workers", (transport) => {
  test("calls go to the one with the fewest under way", async () => {
    await using worker = await launchFaulty({ transport, devices });
    const { glip } = worker;
    const pids = glip.workers.map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(2);
    expect(glip.info).toBe(glip.workers[0]);

    const start = performance.now();
    const sleep = () => glip.call("faults.sleep", { seconds: 1 }) as Promise<Slept>;
    const slept = await within(callMs, Promise.all([sleep(), sleep()]));
    // Side by side, not one after the other.
    expect(performance.now() - start).toBeLessThan(1900);
    expect(new Set(slept.map(({ pid }) => pid))).toEqual(new Set(pids));

    // While one is busy for long, everything goes to the other.
    const long = glip.stream("faults.events");
    const events = long[Symbol.asyncIterator]();
    await events.next();
    const others = new Set<number>();
    for (let index = 0; index < 5; index++) others.add(((await within(callMs, glip.call("faults.pid"))) as Slept).pid);
    expect(others.size).toBe(1);
    await events.return?.();
  });

  test("one dies, the other goes on", async () => {
    await using worker = await launchFaulty({ transport, devices });
    const { glip } = worker;
    const long = () => glip.call("faults.sleep", { seconds: 1 });
    const settled = Promise.allSettled([long(), long()]);
    const [dead, alive] = glip.workers.map(({ pid }) => pid);
    process.kill(dead as number, "SIGKILL");
    const outcomes = await within(callMs, settled);
    const values = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason as unknown] : []));
    expect(values).toEqual([{ pid: alive, slept: 1 }]);
    expect(reasons).toEqual([expect.objectContaining({ code: "worker_died" })]);
    expect(reasons).toMatchObject([{ details: { pid: dead } }]);
    // The dead one has nothing under way, and yet gets no call.
    for (let index = 0; index < 4; index++)
      expect(await within(callMs, glip.call("faults.pid"))).toEqual({ pid: alive });
    const both = await within(callMs, Promise.all([1, 2].map(() => glip.call("faults.sleep", { seconds: 0.1 }))));
    expect(both).toEqual([alive, alive].map((pid) => ({ pid, slept: 0.1 })));
    await within(callMs, glip.ping());
  });

  test("both die: calls say why", async () => {
    await using worker = await launchFaulty({ transport, devices });
    const { glip } = worker;
    const lost: unknown[] = [];
    glip.on("lost", (error) => lost.push(error));
    for (const { pid } of glip.workers) process.kill(pid, "SIGKILL");
    await expect.poll(() => lost.length, { timeout: 1000 }).toBe(2);
    expect(lost).toContain(await within(500, failure(glip.call("faults.pid"), "worker_died")));
    await worker.expectNothingLeft();
  });
});

test("while one restarts, the other takes the calls", async () => {
  await using worker = await launchFaulty({ devices, restart: { max: 3, windowMs: 60_000, backoffMs: 50 } });
  const { glip } = worker;
  const [dead, alive] = glip.workers.map(({ pid }) => pid);
  const ready = new Promise((resolve) => glip.on("ready", resolve));
  const lost = new Promise((resolve) => glip.on("lost", resolve));
  process.kill(dead as number, "SIGKILL");
  await within(1000, lost);
  expect(await within(callMs, glip.call("faults.pid"))).toEqual({ pid: alive });
  await within(10_000, ready);
  expect(glip.workers.map(({ pid }) => pid)).not.toContain(dead);
  const pids = (await within(
    callMs,
    Promise.all([1, 2].map(() => glip.call("faults.sleep", { seconds: 0.2 }))),
  )) as Slept[];
  expect(new Set(pids.map(({ pid }) => pid)).size).toBe(2);
});
