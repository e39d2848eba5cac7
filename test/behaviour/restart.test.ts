import { getEventListeners } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Glip } from "../../src/glip.ts";
import { within } from "../support/connection.ts";
import { duration, failure, launchFaulty, quickHeartbeat, transports } from "../support/faults.ts";
import { temporaryFolder } from "../support/folders.ts";

const restart = { max: 2, windowMs: 60_000, backoffMs: 50 };

/** Resolves with the next event of that name. */
function next<Name extends "ready" | "lost">(glip: Glip, name: Name) {
  return new Promise((resolve) => {
    const stop = glip.on(name, (event) => {
      stop();
      resolve(event);
    });
  });
}

describe.each(transports)("%s", (transport) => {
  test("a worker that dies comes back, until the limit", { timeout: 30_000 }, async () => {
    await using worker = await launchFaulty({ transport, restart });
    const { glip } = worker;
    const pids = [glip.info.pid];
    for (let death = 1; death <= restart.max; death++) {
      const lost = next(glip, "lost");
      const ready = next(glip, "ready");
      const pending = failure(glip.call("faults.sleep", { seconds: 60 }), "worker_died");
      process.kill(glip.info.pid, "SIGKILL");
      // The call that was under way is not repeated: nobody knows how far it came.
      const error = await within(1000, pending);
      expect(await within(1000, lost)).toBe(error);
      // One that is made while the worker restarts waits for it.
      const { pid } = (await within(10_000, glip.call("faults.pid"))) as { pid: number };
      expect(await within(500, ready)).toMatchObject({ pid });
      expect(glip.info.pid).toBe(pid);
      expect(pids).not.toContain(pid);
      pids.push(pid);
    }
    const pending = failure(glip.call("faults.sleep", { seconds: 60 }), "worker_died");
    process.kill(glip.info.pid, "SIGKILL");
    const error = await within(1000, pending);
    expect(await within(500, failure(glip.call("faults.pid"), "worker_died"))).toBe(error);
    await worker.expectNothingLeft();
  });

  test("a stopped worker is replaced too", async () => {
    await using worker = await launchFaulty({ transport, restart, heartbeat: quickHeartbeat });
    const { glip } = worker;
    const pending = failure(glip.call("faults.sleep", { seconds: 60 }), "worker_unresponsive");
    process.kill(glip.info.pid, "SIGSTOP");
    await within(quickHeartbeat.timeoutMs + 1500, pending);
    await within(10_000, glip.call("faults.pid"));
  });
});

test("deaths longer ago than the window do not count", { timeout: 30_000 }, async () => {
  await using worker = await launchFaulty({ restart: { max: 1, windowMs: 500, backoffMs: 1 } });
  const { glip } = worker;
  for (let death = 0; death < 3; death++) {
    await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
    await within(10_000, glip.call("faults.pid"));
    await sleep(550);
  }
});

test("a stream that is asked for during the restart starts after it", async () => {
  await using worker = await launchFaulty({ restart });
  const { glip } = worker;
  await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
  const events = glip.stream("faults.events")[Symbol.asyncIterator]();
  expect(await within(10_000, events.next())).toEqual({ done: false, value: { number: 0 } });
  await events.return?.();
});

describe("while a worker restarts", () => {
  const slow = { ...restart, backoffMs: 60_000 };

  test("a call's deadline and signal count", async () => {
    await using worker = await launchFaulty({ restart: slow });
    const { glip } = worker;
    await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
    const late = await within(1000, failure(glip.call("faults.pid", {}, { timeoutMs: 50 }), "deadline_exceeded"));
    expect(late.details).toEqual({ timeoutMs: 50 });
    const stop = new AbortController();
    const { signal } = stop;
    const given = failure(glip.call("faults.pid", {}, { signal }), "cancelled");
    stop.abort("enough");
    expect((await within(500, given)).cause).toBe("enough");
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    await within(500, failure(glip.call("faults.pid", {}, { signal }), "cancelled"));
    await within(500, failure(glip.call("faults.pid", {}, { timeoutMs: -1 }), "invalid_argument"));
  });

  test("a stream's do too, and it can be cancelled", async () => {
    await using worker = await launchFaulty({ restart: slow });
    const { glip } = worker;
    await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
    const late = glip.stream("faults.events", {}, { timeoutMs: 50 });
    await within(1000, failure(late.result, "deadline_exceeded"));
    await within(100, late.ended);
    const stop = new AbortController();
    const aborted = glip.stream("faults.events", {}, { signal: stop.signal });
    stop.abort("enough");
    expect((await within(500, failure(aborted.result, "cancelled"))).cause).toBe("enough");
    const left = glip.stream("faults.events");
    left.cancel();
    await within(500, failure(left.result, "cancelled"));
    await within(100, left.ended);
  });

  test("the wait is part of a call's time", async () => {
    await using worker = await launchFaulty({ restart });
    const { glip } = worker;
    await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
    const late = failure(glip.call("faults.sleep", { seconds: 60 }, { timeoutMs: 3000 }), "deadline_exceeded");
    await next(glip, "ready");
    expect(await duration(late)).toBeLessThan(3000 - restart.backoffMs);
  });
});

test("a worker that cannot start again ends with the reason", { timeout: 30_000 }, async () => {
  const fault = join(temporaryFolder(), "fault");
  writeFileSync(fault, "");
  await using worker = await launchFaulty({ restart, start: fault });
  const { glip } = worker;
  writeFileSync(fault, "exit");
  await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
  const error = await within(15_000, failure(glip.call("faults.pid"), "worker_start_failed"));
  expect(error.details).toMatchObject({ exitCode: 7 });
  expect(error.details.lastLogLines).toContain("the last words before the exit");
  expect(await within(500, failure(glip.call("faults.pid"), "worker_start_failed"))).toBe(error);
  await worker.expectNothingLeft();
});

test("close() during the restart ends it", async () => {
  await using worker = await launchFaulty({ restart: { ...restart, backoffMs: 60_000 } });
  const { glip } = worker;
  await within(1000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
  const waiting = failure(glip.call("faults.pid"), "worker_closed");
  await within(1000, glip.close());
  await within(500, waiting);
  await worker.expectNothingLeft();
});
