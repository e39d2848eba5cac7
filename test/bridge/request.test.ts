import { getEventListeners } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { Request, type TimedOptions } from "../../src/bridge/request.ts";

function watched(options: TimedOptions, id = 1): { request: Request; outcome: Promise<unknown>; told: () => number } {
  let told = 0;
  let request!: Request;
  const outcome = new Promise((resolve, reject) => {
    request = new Request("mine.method", { resolve, reject });
  });
  outcome.catch(() => {});
  request.watch(options, () => told++);
  request.id = id;
  return { request, outcome, told: () => told };
}

const listeners = (signal: AbortSignal): number => getEventListeners(signal, "abort").length;

describe("a request", () => {
  it("is cancelled with the signal's reason as cause, and tells the worker once", async () => {
    const controller = new AbortController();
    const { request, outcome, told } = watched({ signal: controller.signal });
    expect(listeners(controller.signal)).toBe(1);
    const reason = { why: "changed my mind" };
    controller.abort(reason);
    request.cancel("again");
    await expect(outcome).rejects.toMatchObject({ code: "cancelled", message: "mine.method: cancelled by the caller" });
    expect(await outcome.catch((error: Error) => error.cause)).toBe(reason);
    expect(told()).toBe(1);
    expect(listeners(controller.signal)).toBe(0);
    expect(request.open).toBe(false);
  });

  it("does not tell the worker what it was never sent", async () => {
    const controller = new AbortController();
    const { outcome, told } = watched({ signal: controller.signal }, 0);
    controller.abort();
    await expect(outcome).rejects.toMatchObject({ code: "cancelled" });
    expect(told()).toBe(0);
  });

  it("refuses a signal that is aborted already", () => {
    const reason = new Error("too late");
    const watch = () => watched({ signal: AbortSignal.abort(reason) });
    expect(watch).toThrow(expect.objectContaining({ code: "cancelled", cause: reason }));
  });

  it("lets go of signal and timer when it ends", async () => {
    const controller = new AbortController();
    const { request, outcome, told } = watched({ signal: controller.signal, timeoutMs: 20 });
    request.resolve(5);
    expect(listeners(controller.signal)).toBe(0);
    await sleep(40);
    controller.abort();
    request.reject(new Error("second"));
    expect(await outcome).toBe(5);
    expect(told()).toBe(0);
  });

  it("ends at its deadline and says how to give it more", async () => {
    const { request, outcome, told } = watched({ timeoutMs: 30 });
    expect(request.remainingMs()).toBe(30);
    const details = { timeoutMs: 30 };
    await expect(outcome).rejects.toMatchObject({
      code: "deadline_exceeded",
      details,
      message: expect.stringContaining("timeoutMs") as string,
    });
    expect(told()).toBe(1);
    expect(request.remainingMs()).toBe(0);
  });

  it("counts its deadline from when the caller asked", async () => {
    const since = performance.now() - 100;
    const { request, outcome } = watched({ timeoutMs: 130, since });
    expect(request.remainingMs()).toBeLessThanOrEqual(30);
    await expect(outcome).rejects.toMatchObject({ code: "deadline_exceeded", details: { timeoutMs: 130 } });
  });

  it.each([0, -1, NaN, Infinity, 2 ** 31])("refuses a deadline of %d and leaves no listener", (timeoutMs) => {
    const { signal } = new AbortController();
    const refused = {
      code: "invalid_argument",
      message: expect.stringContaining("options.timeoutMs: expected milliseconds") as string,
    };
    expect(() => watched({ signal, timeoutMs })).toThrow(expect.objectContaining(refused));
    expect(listeners(signal)).toBe(0);
  });

  it("has no deadline of its own", () => {
    expect(watched({}).request.remainingMs()).toBeNull();
  });

  it("hands on events until it is settled", () => {
    const events: unknown[] = [];
    const request = new Request("m", { resolve: () => {}, reject: () => {}, event: (value) => events.push(value) });
    request.event(1);
    request.resolve(2);
    request.event(3);
    expect(events).toEqual([1]);
  });
});
