import { describe, expect, test } from "vitest";
import type { GlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { within } from "../support/connection.ts";
import { callMs, duration, failure, launchFaulty, quickHeartbeat, transports } from "../support/faults.ts";

/** Starts unary calls and streams, one under way and the others behind it. */
async function pendingCalls(glip: Glip): Promise<{ errors: Promise<unknown[]> }> {
  await glip.call("faults.say", { text: "said before the end" });
  const running = glip.stream("faults.events");
  const events = running[Symbol.asyncIterator]();
  await events.next();
  const behind = glip.stream("faults.events");
  const calls = [
    drain(events),
    running.result,
    ...[1, 2, 3].map((seconds) => glip.call("faults.sleep", { seconds })),
    drain(behind[Symbol.asyncIterator]()),
    behind.result,
  ];
  const errors = calls.map((call) =>
    call.then(
      () => "resolved",
      (error: unknown) => error,
    ),
  );
  return { errors: Promise.all(errors) };
}

async function drain(events: AsyncIterator<unknown>): Promise<void> {
  while ((await events.next()).done !== true);
}

const deaths: [name: string, die: (glip: Glip) => unknown, exitCode: number | undefined, signal: string | undefined][] =
  [
    ["SIGKILL", (glip) => process.kill(glip.info.pid, "SIGKILL"), undefined, "SIGKILL"],
    ["SIGSEGV", (glip) => process.kill(glip.info.pid, "SIGSEGV"), undefined, "SIGSEGV"],
  ];

describe.each(transports)("%s: calls are pending, and the worker dies of", (transport) => {
  test.each(deaths)("%s", async (_, die, exitCode, signal) => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    const lost: GlipError[] = [];
    glip.on("lost", (error) => lost.push(error));
    const { errors } = await pendingCalls(glip);
    die(glip);
    const [first, ...others] = await within(1000, errors);
    expect(first).toMatchObject({ code: "worker_died", details: { pid: glip.info.pid, exitCode, signal } });
    const { details, message } = first as GlipError<"worker_died">;
    expect(details.lastLogLines).toContain("said before the end");
    expect(message).toContain("said before the end");
    expect(message).toContain(details.logFile);
    for (const other of others) expect(other).toBe(first);

    // Every later call is told the same, at once.
    expect(await within(500, failure(glip.call("faults.pid"), "worker_died"))).toBe(first);
    expect(await within(500, failure(glip.stream("faults.events").result, "worker_died"))).toBe(first);
    expect(await within(500, failure(glip.ping(), "worker_died"))).toBe(first);
    expect(lost).toEqual([first]);
    await worker.expectNothingLeft();
  });

  test.each([
    ["a segmentation fault of its own", "faults.segfault", {}, undefined, "SIGSEGV"],
    ["an abort", "faults.signal", { name: "SIGABRT" }, undefined, "SIGABRT"],
    ["the exit that follows an out-of-memory kill", "faults.exit", { code: 137 }, 137, undefined],
    ["an exit that looks like success", "faults.exit", { code: 0 }, 0, undefined],
  ])("%s", async (_, method, params, exitCode, signal) => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    const calls = [glip.call(method, params), glip.call("faults.pid"), glip.stream("faults.events").result];
    const errors = await within(1500, Promise.all(calls.map((call) => failure(call, "worker_died"))));
    expect(new Set(errors).size).toBe(1);
    expect(errors[0]?.details).toMatchObject({ exitCode, signal });
    await worker.expectNothingLeft();
  });

  test("SIGSTOP: it is noticed by its silence and killed", async () => {
    await using worker = await launchFaulty({ transport, heartbeat: quickHeartbeat });
    const { glip } = worker;
    const { pid } = glip.info;
    const { errors } = await pendingCalls(glip);
    process.kill(pid, "SIGSTOP");
    const [first, ...others] = await within(quickHeartbeat.timeoutMs + 1500, errors);
    expect(first).toMatchObject({ code: "worker_unresponsive", details: { pid, silentMs: quickHeartbeat.timeoutMs } });
    expect((first as GlipError<"worker_unresponsive">).details.lastLogLines).toContain("said before the end");
    for (const other of others) expect(other).toBe(first);
    expect(await within(500, failure(glip.call("faults.pid"), "worker_unresponsive"))).toBe(first);
    await worker.expectNothingLeft();
  });

  test("nothing: native code that holds the GIL for long is no death", async () => {
    await using worker = await launchFaulty({ transport, heartbeat: quickHeartbeat });
    const { glip } = worker;
    await within(4000, glip.call("faults.hold_gil", { seconds: 2 }));
    expect(await within(callMs, glip.call("faults.pid"))).toEqual({ pid: glip.info.pid });
  });
});

test("memory that Python cannot have ends the call, not the worker", async () => {
  await using worker = await launchFaulty();
  const { glip } = worker;
  await within(1000, failure(glip.call("faults.allocate"), "out_of_memory"));
  expect(await within(callMs, glip.call("faults.pid"))).toEqual({ pid: glip.info.pid });
});

test("children of a worker die with it", async () => {
  await using worker = await launchFaulty();
  const { glip } = worker;
  await glip.call("faults.spawn", { count: 3 });
  process.kill(glip.info.pid, "SIGKILL");
  expect(await duration(failure(glip.call("faults.pid"), "worker_died"))).toBeLessThan(1000);
  await worker.expectNothingLeft();
});
