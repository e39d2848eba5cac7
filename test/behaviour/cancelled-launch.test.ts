import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { launch } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, prepare, testHome, transports } from "../support/faults.ts";

const reason = new Error("the user changed their mind");

describe.each(transports)("%s: a launch that is aborted", (transport) => {
  // The start goes on for longer than all of them: it is cut off at the fork, in the interpreter, while connecting.
  test.each([0, 20, 60, 100, 500])("after %i ms", async (delay) => {
    const controller = new AbortController();
    const { options, expectNothingLeft } = await prepare({ transport, start: "slow", signal: controller.signal });
    const launched = failure(launch(options), "cancelled");
    await sleep(delay);
    controller.abort(reason);
    const error = await within(500, launched);
    expect(error.cause).toBe(reason);
    await expectNothingLeft();
  });

  test("before it began", async () => {
    const { options, expectNothingLeft } = await prepare({ transport, signal: AbortSignal.abort(reason) });
    const before = readdirSync(testHome, { recursive: true });
    const error = await within(500, failure(launch(options), "cancelled"));
    expect(error.cause).toBe(reason);
    // No process, so no log of one.
    expect(readdirSync(testHome, { recursive: true })).toEqual(before);
    await expectNothingLeft();
  });

  test("in code that is deaf to SIGTERM", async () => {
    const controller = new AbortController();
    const { options, expectNothingLeft } = await prepare({
      transport,
      start: "hang with the GIL",
      signal: controller.signal,
      onLog: ({ text }) => text === "holding the GIL" && controller.abort(reason),
    });
    await within(10_000, failure(launch(options), "cancelled"));
    await expectNothingLeft();
  });
});

test("several workers: all of them are given up", async () => {
  const controller = new AbortController();
  const { options, expectNothingLeft } = await prepare({
    start: "slow",
    devices: ["cpu", "cpu"],
    signal: controller.signal,
  });
  const launched = failure(launch(options), "cancelled");
  await sleep(300);
  controller.abort(reason);
  await within(500, launched);
  await expectNothingLeft();
});

test("an abort after the launch changes nothing", async () => {
  const controller = new AbortController();
  await using worker = await launchFaulty({ signal: controller.signal });
  controller.abort(reason);
  await within(callMs, worker.glip.call("faults.pid"));
});
