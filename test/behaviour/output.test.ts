import { describe, expect, test } from "vitest";
import { logLimits } from "../../src/worker/log.ts";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, transports } from "../support/faults.ts";

const mebibyte = 2 ** 20;

describe.each(transports)("%s: the worker", (transport) => {
  test("floods stdout: calls go on, memory stays", async () => {
    let lines = 0;
    let over = () => {};
    const end = new Promise<void>((resolve) => (over = resolve));
    const onLog = ({ text }: { text: string }): void => {
      lines++;
      if (text === "the flood is over") over();
    };
    await using worker = await launchFaulty({ transport, onLog });
    const { glip } = worker;
    const before = process.memoryUsage().rss;
    await glip.call("faults.flood", { bytes: 32 * mebibyte });
    let calls = 0;
    let flooding = true;
    void end.then(() => (flooding = false));
    while (flooding) {
      await within(callMs, glip.call("faults.pid"));
      calls++;
    }
    await within(10_000, end);
    // How many depends on how fast both sides are; were they held up, there would be the first one alone.
    expect(calls).toBeGreaterThan(2);
    expect(lines).toBeGreaterThan((32 * mebibyte) / 64);
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * mebibyte);
    await expectBoundedLog(glip);
  });

  test("writes bytes that are no text", async () => {
    await using worker = await launchFaulty({ transport });
    const { glip } = worker;
    for (let round = 0; round < 3; round++) await within(callMs, glip.call("faults.garbage"));
    await expectBoundedLog(glip);
  });

  test("writes 10 MB without an end of line", async () => {
    const texts: string[] = [];
    await using worker = await launchFaulty({ transport, onLog: ({ text }) => texts.push(text) });
    const { glip } = worker;
    await within(5000, glip.call("faults.long_line", { bytes: 10_000_000 }));
    await within(callMs, glip.call("faults.pid"));
    // It comes in pieces: nothing is kept until the line ends, which it never does.
    await expect.poll(() => texts.length, { timeout: 500 }).toBeGreaterThan(100);
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThanOrEqual(logLimits.lineCharacters + 1);
    await expectBoundedLog(glip);
  });
});

async function expectBoundedLog(glip: Awaited<ReturnType<typeof launchFaulty>>["glip"]): Promise<void> {
  const { details } = await within(2000, failure(glip.call("faults.exit", { code: 1 }), "worker_died"));
  expect(details.lastLogLines.length).toBeLessThanOrEqual(logLimits.lastLines);
  for (const line of details.lastLogLines) expect(line.length).toBeLessThanOrEqual(logLimits.lineCharacters + 1);
}
