import { getEventListeners } from "node:events";
import { expect, it } from "vitest";
import { Slots } from "../../src/bridge/slots.ts";
import { within } from "../support/connection.ts";

it("gives out as many as there are, then in order of asking", async () => {
  const slots = new Slots(2);
  expect([slots.take(), slots.take()]).toEqual([undefined, undefined]);
  const order: number[] = [];
  const waits = [1, 2, 3].map((number) => slots.take()?.then(() => order.push(number)));
  await Promise.resolve();
  expect(order).toEqual([]);
  for (const _ of waits) slots.give();
  await within(1000, Promise.all(waits.map((wait) => Promise.resolve(wait))));
  expect(order).toEqual([1, 2, 3]);
});

it("gives no slot twice when one who waits leaves", async () => {
  const slots = new Slots(1);
  void slots.take();
  const { signal, abort } = controlled();
  const left = slots.take(signal);
  const stayed = slots.take();
  abort();
  await within(1000, Promise.resolve(left));
  // The one who left gives back what it did not get: still nothing for the other.
  slots.give();
  let served = false;
  void stayed?.then(() => (served = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(served).toBe(false);
  slots.give();
  await within(1000, Promise.resolve(stayed));
  expect(slots.take()).toBeInstanceOf(Promise);
});

it("counts right under many who come, leave and go", async () => {
  const limit = 3;
  const slots = new Slots(limit);
  let inside = 0;
  let most = 0;
  const visit = async (index: number): Promise<void> => {
    const { signal, abort } = controlled();
    const wait = slots.take(signal);
    if (index % 3 === 0) setImmediate(abort);
    await wait;
    if (!signal.aborted) {
      inside++;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
    }
    slots.give();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  };
  await within(5000, Promise.all(Array.from({ length: 500 }, (_, index) => visit(index))));
  expect([inside, most]).toEqual([0, limit]);
  expect(Array.from({ length: limit + 1 }, () => slots.take() === undefined)).toEqual([true, true, true, false]);
});

it("lets everybody through at the end", async () => {
  const slots = new Slots(1);
  void slots.take();
  const { signal } = controlled();
  const waits = [slots.take(signal), slots.take()];
  slots.end();
  await within(1000, Promise.all(waits.map((wait) => Promise.resolve(wait))));
  expect(getEventListeners(signal, "abort")).toEqual([]);
  expect(slots.take()).toBeUndefined();
});

function controlled(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}
