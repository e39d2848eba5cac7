import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { launch } from "../../src/launch.ts";
import { logLimits } from "../../src/worker/log.ts";
import { failure, launchFaulty, prepare, testHome, transports } from "../support/faults.ts";

const cycles = 10;

/** What this process holds: descriptors by what they are, and what keeps its event loop alive. */
function held(): { descriptors: number; resources: string[] } {
  return { descriptors: readdirSync("/proc/self/fd").length, resources: process.getActiveResourcesInfo().sort() };
}

test.each(transports)(`%s: ${cycles} launches and closes leave nothing`, { timeout: 60_000 }, async (transport) => {
  const cycle = async (): Promise<void> => {
    await using worker = await launchFaulty({ transport, python: true });
    await worker.glip.call("diagnostics.echo", { value: 1 });
    await worker.glip.python();
  };
  // The first loads what stays loaded: the add-on, its threads.
  await cycle();
  await sleep(100);
  const before = held();
  const shared = readdirSync("/dev/shm").length;
  for (let number = 0; number < cycles; number++) await cycle();
  await expect.poll(held, { timeout: 2000 }).toEqual(before);
  // Other tests come and go beside this one.
  expect(readdirSync("/dev/shm").length).toBeLessThan(shared + cycles / 2);
});

test.each(transports)("%s: launches that fail leave nothing", { timeout: 60_000 }, async (transport) => {
  const cycle = async (): Promise<void> => {
    const { options, expectNothingLeft } = await prepare({ transport, start: "exit" });
    await failure(launch(options), "worker_start_failed");
    await expectNothingLeft();
  };
  await cycle();
  await sleep(100);
  const before = held();
  for (let number = 0; number < cycles; number++) await cycle();
  // A connection that was being made may take its whole time limit to be given up.
  await expect.poll(held, { timeout: 3000 }).toEqual(before);
});

test("old log files are removed", () => {
  const logs = readdirSync(`${testHome}/logs`).filter((name) => name.endsWith(".log"));
  expect(logs.length).toBeGreaterThan(1);
  // The newest is made after the others were counted.
  expect(logs.length).toBeLessThanOrEqual(logLimits.files + 1);
});
