import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Status } from "../../src/cli/status.ts";

let written: string;
beforeEach(() => {
  written = "";
  vi.useFakeTimers();
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    written += String(text);
    return true;
  });
});
afterEach(() => vi.useRealTimers());

function terminal(is: boolean, columns = 80): void {
  Object.defineProperty(process.stderr, "isTTY", { value: is, configurable: true });
  Object.defineProperty(process.stderr, "columns", { value: columns, configurable: true });
}

it("says nothing of what takes less than a second", () => {
  terminal(true);
  const status = new Status();
  status.show("Reading");
  vi.advanceTimersByTime(900);
  status.show("Writing");
  vi.advanceTimersByTime(900);
  status.clear();
  vi.advanceTimersByTime(60_000);
  expect(written).toBe("");
});

it("counts the seconds in one line of a terminal, whose text may change, and takes it away", () => {
  terminal(true);
  const status = new Status();
  status.show("Looking");
  // More often than once a second: it is shown all the same.
  for (let done = 1; done <= 21; done++) {
    vi.advanceTimersByTime(100);
    status.update(`Looking: ${done} of 99`);
  }
  expect(written.split("\r\u001b[2K").slice(1)).toEqual([
    "Looking: 9 of 99 … 1 s",
    "Looking: 12 of 99 … 1 s",
    "Looking: 14 of 99 … 1 s",
    "Looking: 17 of 99 … 1 s",
    "Looking: 19 of 99 … 2 s",
  ]);
  status.clear();
  expect(written.endsWith("\r\u001b[2K")).toBe(true);
});

it("keeps to the terminal's width", () => {
  terminal(true, 30);
  const status = new Status();
  status.show("Looking at a picture with a very long name");
  vi.advanceTimersByTime(1000);
  expect(written).toBe("\r\u001b[2KLooking at a picture wi… … 1 s");
  status.clear();
});

it("elsewhere writes a line, and seldom one more if there is news", () => {
  terminal(false);
  const status = new Status();
  status.show("Looking");
  vi.advanceTimersByTime(1000);
  expect(written).toBe("Looking …\n");
  vi.advanceTimersByTime(60_000);
  status.update("Looking: 5 of 9");
  vi.advanceTimersByTime(10_000);
  expect(written).toBe("Looking …\nLooking: 5 of 9 …\n");
  status.clear();
  expect(written).toBe("Looking …\nLooking: 5 of 9 …\n");
});
