import { getEventListeners, setMaxListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Glip } from "../../src/glip.ts";
import { connect } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { failure } from "../support/faults.ts";
import { type BareWorker, startWorker, transports } from "../support/worker.ts";

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker({ torch: false });
});
afterAll(() => worker[Symbol.asyncDispose]());

const long = { steps: 1000, pause_ms: 20 };
const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe.each(transports)("%s", (transport) => {
  let glip: Glip;
  beforeAll(async () => {
    glip = await connect(worker.endpoint, { transport });
  });
  afterAll(() => glip.close());

  /** Twenty seconds of work would be in the way otherwise. */
  const expectFree = async (): Promise<void> => {
    expect(await within(1000, glip.call("diagnostics.echo", { value: 1 }))).toEqual({ value: 1 });
  };

  describe("a signal", () => {
    it("ends a running call, with its reason, and frees the worker", async () => {
      const controller = new AbortController();
      const call = glip.call("diagnostics.count", long, { signal: controller.signal });
      await sleep(100);
      expect(listeners(controller.signal)).toBe(1);
      const reason = new Error("changed my mind");
      controller.abort(reason);
      const error = await within(100, failure(call, "cancelled"));
      expect(error.cause).toBe(reason);
      expect(listeners(controller.signal)).toBe(0);
      await expectFree();
    });

    it("ends a call that waits in the worker's queue, which is never started", async () => {
      const busy = glip.call("diagnostics.count", { steps: 1, pause_ms: 300 });
      const controller = new AbortController();
      const queued = glip.call("diagnostics.count", long, { signal: controller.signal });
      await sleep(50);
      controller.abort("no longer");
      expect((await within(100, failure(queued, "cancelled"))).cause).toBe("no longer");
      expect(listeners(controller.signal)).toBe(0);
      await within(2000, busy);
      await expectFree();
    });

    it("ends calls that wait for their turn on this side, and nobody loses a turn", { timeout: 15_000 }, async () => {
      const busy = glip.call("diagnostics.count", { steps: 1, pause_ms: 400 });
      const queued = Array.from({ length: 63 }, (_, value) => glip.call("diagnostics.echo", { value }));
      const controller = new AbortController();
      const { signal } = controller;
      setMaxListeners(0, signal);
      const given = Array.from({ length: 100 }, () =>
        failure(glip.call("diagnostics.count", long, { signal }), "cancelled"),
      );
      const stay = Array.from({ length: 100 }, (_, value) => glip.call("diagnostics.echo", { value }));
      await sleep(50);
      controller.abort();
      await within(500, Promise.all(given));
      expect(listeners(signal)).toBe(0);
      const values = (await within(5000, Promise.all([...queued, ...stay]))).map(({ value }) => value);
      expect(values).toEqual([...Array(63).keys(), ...Array(100).keys()]);
      await busy;
    });

    it("aborted already, sends nothing", async () => {
      const signal = AbortSignal.abort("before");
      const error = await within(100, failure(glip.call("diagnostics.count", long, { signal }), "cancelled"));
      expect(error.cause).toBe("before");
      const stream = glip.stream("diagnostics.count", long, { signal });
      expect((await within(100, failure(stream.result, "cancelled"))).cause).toBe("before");
      expect(listeners(signal)).toBe(0);
      await expectFree();
    });

    it("aborted later, changes nothing", async () => {
      const controller = new AbortController();
      const { signal } = controller;
      expect(await within(1000, glip.call("diagnostics.echo", { value: 1 }, { signal }))).toEqual({ value: 1 });
      await failure(glip.call("no.such.method", {}, { signal }), "unknown_method");
      expect(listeners(signal)).toBe(0);
      controller.abort();
      await expectFree();
    });

    it("may serve a thousand calls and keeps no listener", { timeout: 15_000 }, async () => {
      const { signal } = new AbortController();
      setMaxListeners(0, signal);
      const calls = Array.from({ length: 1000 }, (_, value) => glip.call("diagnostics.echo", { value }, { signal }));
      await within(10_000, Promise.all(calls));
      expect(listeners(signal)).toBe(0);
    });

    it("ends a stream after the events that came", async () => {
      const controller = new AbortController();
      const stream = glip.stream("diagnostics.count", long, { signal: controller.signal });
      const steps: number[] = [];
      const loop = async (): Promise<void> => {
        for await (const { step } of stream) if (steps.push(step) === 3) controller.abort("enough");
      };
      expect((await within(2000, failure(loop(), "cancelled"))).cause).toBe("enough");
      expect(steps.slice(0, 3)).toEqual([1, 2, 3]);
      expect(listeners(controller.signal)).toBe(0);
      await expectFree();
    });
  });

  describe("a deadline", () => {
    it("ends a running call on time and frees the worker", async () => {
      const started = performance.now();
      const call = glip.call("diagnostics.count", long, { timeoutMs: 150 });
      expect((await within(500, failure(call, "deadline_exceeded"))).details).toEqual({ timeoutMs: 150 });
      expect(performance.now() - started).toBeGreaterThan(140);
      await expectFree();
    });

    it("ends a queued call on time; the worker never starts it", async () => {
      const busy = glip.call("diagnostics.count", { steps: 1, pause_ms: 500 });
      const queued = glip.call("diagnostics.count", long, { timeoutMs: 100 });
      expect((await within(250, failure(queued, "deadline_exceeded"))).details).toEqual({ timeoutMs: 100 });
      await within(2000, busy);
      await expectFree();
    });

    it("ends a call that waits for its turn on this side", { timeout: 15_000 }, async () => {
      const busy = glip.call("diagnostics.count", { steps: 1, pause_ms: 500 });
      const queued = Array.from({ length: 63 }, (_, value) => glip.call("diagnostics.echo", { value }));
      const waits = glip.call("diagnostics.count", long, { timeoutMs: 100 });
      expect((await within(250, failure(waits, "deadline_exceeded"))).details).toEqual({ timeoutMs: 100 });
      await within(5000, Promise.all([busy, ...queued]));
      await expectFree();
    });

    it("leaves a call alone that ends before it", async () => {
      expect(await within(1000, glip.call("diagnostics.echo", { value: 1 }, { timeoutMs: 1000 }))).toEqual({
        value: 1,
      });
    });

    it("that is none is refused, and leaves no listener", async () => {
      const { signal } = new AbortController();
      for (const timeoutMs of [0, -1, NaN, 2 ** 31]) {
        const call = glip.call("diagnostics.echo", { value: 1 }, { timeoutMs, signal });
        expect((await failure(call, "invalid_argument")).details.path).toBe("options.timeoutMs");
      }
      expect(listeners(signal)).toBe(0);
    });
  });

  describe("a stream", () => {
    it("left early stops the worker", async () => {
      const stream = glip.stream("diagnostics.count", long);
      for await (const { step } of stream) if (step === 2) break;
      await within(100, failure(stream.result, "cancelled"));
      await expectFree();
    });

    it("that nobody reads holds the worker back, and cancel() lets it go", async () => {
      const stream = glip.stream("diagnostics.count", { steps: 1000, pause_ms: 0 });
      const events = stream[Symbol.asyncIterator]();
      expect((await within(1000, events.next())).value).toEqual({ step: 1 });
      const next = glip.call("diagnostics.echo", { value: 1 });
      const first = await Promise.race([next.then(() => "served"), sleep(300, "held back")]);
      expect(first).toBe("held back");
      stream.cancel();
      expect(await within(1000, next)).toEqual({ value: 1 });
      await within(100, failure(stream.result, "cancelled"));
    });

    it("whose result alone is asked for runs to its end", async () => {
      const stream = glip.stream("diagnostics.count", { steps: 1000, pause_ms: 0 });
      expect(await within(5000, stream.result)).toEqual({ steps: 1000 });
    });

    it("brings every event in order", async () => {
      const steps: number[] = [];
      for await (const { step } of glip.stream("diagnostics.count", { steps: 1000, pause_ms: 0 })) steps.push(step);
      expect(steps).toEqual(Array.from({ length: 1000 }, (_, index) => index + 1));
    });

    it("cancelled at once is not started", async () => {
      const stream = glip.stream("diagnostics.count", long);
      stream.cancel();
      await within(1000, failure(stream.result, "cancelled"));
      await expectFree();
    });
  });
});
