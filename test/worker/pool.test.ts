import { expect, it } from "vitest";
import { WorkerPool } from "../../src/worker/pool.ts";
import type { Worker } from "../../src/worker/worker.ts";

it("what stays stays with one worker, until that has ended", () => {
  const workers = ["a", "b"].map((name) => ({ load: 0, ended: false, channel: () => name }));
  const [first, second] = workers as [(typeof workers)[number], (typeof workers)[number]];
  // A pool asks nothing else of them.
  const pool = new WorkerPool([first, second] as unknown as [Worker, Worker]);
  first.load = 2;
  const staying = pool.staying();
  expect([pool.channel(), staying()]).toEqual(["b", "b"]);
  second.load = 5;
  expect([pool.channel(), staying()]).toEqual(["a", "b"]);
  second.ended = true;
  expect(staying()).toBe("a");
  second.ended = false;
  first.load = 9;
  expect(staying()).toBe("a");
});
