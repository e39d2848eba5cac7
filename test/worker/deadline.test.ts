import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Deadline } from "../../src/worker/deadline.ts";

it("aborts when the time is up, and says so", async () => {
  const deadline = new Deadline(5);
  expect(deadline.expired).toBe(false);
  await sleep(30);
  expect(deadline.expired).toBe(true);
  expect(deadline.signal.reason).toMatchObject({ name: "TimeoutError", message: "5 ms are up" });
});

it("stops what waits under it when it no longer matters, and has not expired then", async () => {
  const deadline = new Deadline(20);
  deadline.end();
  deadline.end();
  expect(deadline.signal.aborted).toBe(true);
  await sleep(40);
  expect(deadline.expired).toBe(false);
});
