import { describe, expect, test } from "vitest";
import { closeLadder } from "../../src/worker/process.ts";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, transports } from "../support/faults.ts";

/** After SIGKILL the kernel and the event loop need a moment. */
const slack = 1000;

describe.each(transports)("%s: close()", (transport) => {
  test("is idempotent, alone and side by side", async () => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    await within(1000, Promise.all([glip.close(), glip.close(), glip[Symbol.asyncDispose]()]));
    await within(500, glip.close());
    await worker.expectNothingLeft();
  });

  test("rejects what is pending, and what comes later", async () => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    const stream = glip.stream("faults.events");
    const events = stream[Symbol.asyncIterator]();
    await events.next();
    const pending = [
      failure(drain(events), "worker_closed"),
      failure(stream.result, "worker_closed"),
      failure(glip.call("faults.pid"), "worker_closed"),
      failure(glip.ping(), "worker_closed").catch(() => {}),
    ];
    const closed = glip.close();
    await within(500, Promise.all(pending));
    await within(500, failure(glip.call("faults.pid"), "worker_closed"));
    await within(500, failure(glip.stream("faults.events").result, "worker_closed"));
    await within(500, failure(glip.ping(), "worker_closed"));
    // The running method listens, so the worker leaves when it is asked.
    await within(1000, closed);
    await worker.expectNothingLeft();
  });

  test("of a worker that died", async () => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    await failure(glip.call("faults.exit", { code: 1 }), "worker_died");
    await within(500, glip.close());
    await within(500, failure(glip.call("faults.pid"), "worker_closed"));
  });

  test("of a worker that was killed this moment", async () => {
    await using worker = await launchFaulty({ transport });
    process.kill(worker.glip.info.pid, "SIGKILL");
    await within(500, worker.glip.close());
  });

  test("`await using` closes", async () => {
    const worker = await launchFaulty({ transport });
    {
      await using glip = worker.glip;
      await within(callMs, glip.call("faults.pid"));
    }
    await worker.expectNothingLeft();
    await failure(worker.glip.call("faults.pid"), "worker_closed");
  });
});

describe("close() of a worker that does not listen", () => {
  test.each([
    ["ignores SIGTERM", "ignore SIGTERM", undefined],
    ["runs Python that never looks", "", ["faults.sleep", { seconds: 60, cooperative: false }]],
    ["holds the GIL", "", ["faults.hold_gil", { seconds: 60 }]],
  ] as const)("%s", async (_, start, call) => {
    await using worker = await launchFaulty({ start });
    const { glip } = worker;
    await glip.call("faults.spawn", { count: 2 });
    const pending = call === undefined ? undefined : failure(glip.call(call[0], call[1]), "worker_closed");
    // Until the call is running.
    await glip.ping();
    await within(closeLadder.askMs + slack, glip.close());
    await pending;
    await worker.expectNothingLeft();
  });

  test("is stopped", async () => {
    await using worker = await launchFaulty();
    process.kill(worker.glip.info.pid, "SIGSTOP");
    await within(closeLadder.askMs + slack, worker.glip.close());
    await worker.expectNothingLeft();
  });
});

test("a worker that somebody else asks to end says goodbye", async () => {
  await using worker = await launchFaulty();
  const { glip } = worker;
  const pending = failure(glip.call("faults.sleep", { seconds: 60 }), "worker_died");
  process.kill(glip.info.pid, "SIGTERM");
  const error = await within(1500, pending);
  expect(error.details.exitCode).toBe(0);
  await worker.expectNothingLeft();
});

async function drain(events: AsyncIterator<unknown>): Promise<void> {
  while ((await events.next()).done !== true);
}
