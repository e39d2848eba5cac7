import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "../../src/launch.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { within } from "../support/connection.ts";
import { failure } from "../support/faults.ts";
import { type BareWorker, memoryOf, startWorker, transports } from "../support/worker.ts";

const MiB = 2 ** 20;
const maxPending = 64;

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker({ limits: { max_pending: maxPending, max_queue: 100 } });
});
afterAll(() => worker[Symbol.asyncDispose]());

describe.each(transports)("%s: a full queue", (transport) => {
  it(
    "holds 2,000 calls of 1 MB back, in bounded memory on both sides, and completes all",
    { timeout: 60_000 },
    async () => {
      await using glip = await connect(worker.endpoint, { transport });
      const tensor = Tensor.zeros("uint8", [MiB]);
      for (let count = 0; count < 100; count++) await glip.call("diagnostics.describe", { tensor });
      const before = [worker.memory() ?? 0, memoryOf(process.pid) ?? 0] as const;
      let most = [0, 0];
      const timer = setInterval(() => {
        const now = [worker.memory() ?? 0, memoryOf(process.pid) ?? 0];
        most = most.map((bytes, index) => Math.max(bytes, now[index] ?? 0));
      }, 10);
      try {
        const busy = glip.call("diagnostics.count", { steps: 1, pause_ms: 500 });
        const calls = Array.from({ length: 2000 }, () => glip.call("diagnostics.describe", { tensor }));
        const results = await within(30_000, Promise.all(calls));
        expect(results.every(({ bytes }) => bytes === MiB)).toBe(true);
        await busy;
      } finally {
        clearInterval(timer);
      }
      // The worker has at most `max_pending` of them, the sockets some more; all of them would be 2,000 MiB.
      expect((most[0] ?? 0) - before[0]).toBeLessThan(300 * MiB);
      expect((most[1] ?? 0) - before[1]).toBeLessThan(300 * MiB);
    },
  );

  it("refuses what two clients together have too much of, and serves the rest", { timeout: 20_000 }, async () => {
    await using one = await connect(worker.endpoint, { transport });
    await using other = await connect(worker.endpoint, { transport });
    const busy = one.stream("diagnostics.count", { steps: 2, pause_ms: 10_000 });
    await within(5000, busy[Symbol.asyncIterator]().next());
    const calls = [one, other].flatMap((glip) =>
      Array.from({ length: maxPending - 1 }, (_, value) => glip.call("diagnostics.echo", { value })),
    );
    const settled = Promise.allSettled(calls);
    // All of them have arrived when what was sent after them is answered.
    await within(5000, Promise.all([one.ping(), other.ping()]));
    busy.cancel();
    const outcomes = await within(5000, settled);
    const refused = outcomes.filter((outcome) => outcome.status === "rejected");
    expect(refused.length).toBe(2 * (maxPending - 1) - 100);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: "queue_full", details: { pending: 100, limit: 100 } });
    }
    expect(await within(1000, other.call("diagnostics.echo", { value: 1 }))).toEqual({ value: 1 });
  });

  it("forgets what a client that left had in it", { timeout: 20_000 }, async () => {
    await using stays = await connect(worker.endpoint, { transport });
    const leaves = await connect(worker.endpoint, { transport });
    const pending = Array.from({ length: 200 }, () =>
      failure(leaves.call("diagnostics.count", { steps: 100, pause_ms: 100 }), "worker_closed"),
    );
    await leaves.ping();
    await leaves.close();
    // Those that waited for their turn on this side too.
    await within(1000, Promise.all(pending));
    expect(await within(6000, stays.call("diagnostics.echo", { value: 1 }))).toEqual({ value: 1 });
  });
});
