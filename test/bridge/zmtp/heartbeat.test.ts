import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Heartbeat } from "../../../src/bridge/zmtp/heartbeat.ts";

const bound = { timeout: 2000 };
const sendCommand = vi.fn<(body: Uint8Array) => void>();
const onSilent = vi.fn<(error: Error) => void>();

function start(intervalMs = 100, timeoutMs = 300): Heartbeat {
  const heartbeat = new Heartbeat({ intervalMs, timeoutMs, sendCommand, onSilent });
  heartbeat.start();
  return heartbeat;
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  sendCommand.mockReset();
  onSilent.mockReset();
});

it("sends a PING with its time to live every interval", bound, () => {
  start();
  vi.advanceTimersByTime(200);
  // 3000 ms in tenths of a second.
  expect(sendCommand.mock.calls).toEqual([
    [Uint8Array.of(4, 80, 73, 78, 71, 0, 30)],
    [Uint8Array.of(4, 80, 73, 78, 71, 0, 30)],
  ]);
});

it("reports a silent peer after the timeout, within one interval", bound, () => {
  start();
  vi.advanceTimersByTime(300);
  expect(onSilent).not.toHaveBeenCalled();
  vi.advanceTimersByTime(100);
  expect(onSilent).toHaveBeenCalledOnce();
});

it("is content with any sign of life", bound, () => {
  const heartbeat = start();
  for (let count = 0; count < 20; count++) {
    vi.advanceTimersByTime(100);
    heartbeat.heard();
  }
  expect(onSilent).not.toHaveBeenCalled();
});

it("answers a PING with its context", bound, () => {
  start().answer(Uint8Array.of(0, 0, 7, 8, 9));
  expect(sendCommand).toHaveBeenCalledWith(Uint8Array.of(4, 80, 79, 78, 71, 7, 8, 9));
});

it("takes the peer's time to live", bound, () => {
  start(100, 10_000).answer(Uint8Array.of(0, 2));
  vi.advanceTimersByTime(300);
  expect(onSilent).toHaveBeenCalledOnce();
});

it.each([0, 1, 19])("refuses a PING of %i bytes", bound, (length) => {
  expect(() => start().answer(new Uint8Array(length))).toThrow("malformed PING");
});

it("is off with interval 0", bound, () => {
  start(0);
  vi.advanceTimersByTime(100_000);
  expect(sendCommand).not.toHaveBeenCalled();
});
