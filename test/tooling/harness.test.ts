import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import {
  describeMachine,
  describeVersions,
  formatReport,
  median,
  pairedRow,
  percentile,
  publish,
  row,
  shortfalls,
  time,
  type Report,
} from "../../scripts/bench/harness.ts";

const report: Report = {
  benchmark: "echo",
  machine: { cpu: "A CPU", cores: 2, memoryBytes: 8 * 2 ** 30, os: "linux 6.1 x64", gpu: null },
  versions: { node: "20.20.2", sdk: "0.1.0", zeromq: "6.8.0", python: "3.11.7", torch: null },
  rows: [
    row({ what: "round trip", ours: 0.25, reference: 0.2, unit: "ms", bar: { of: "ratio", atMost: 2 } }),
    row({ what: "throughput", ours: 150, unit: "MB/s", bar: { of: "ours", atLeast: 1000 } }),
    row({ what: "start", ours: 12.34, unit: "s" }),
  ],
};

describe("row", () => {
  test("divides ours by the reference", () => {
    expect(row({ what: "x", ours: 3, reference: 2, unit: "ms" })).toEqual({
      what: "x",
      ours: 3,
      reference: 2,
      unit: "ms",
      ratio: 1.5,
      bar: null,
      holds: null,
    });
  });

  test.each([
    [{ of: "ratio", atMost: 1.5 }, true],
    [{ of: "ratio", atMost: 1.49 }, false],
    [{ of: "ratio", atLeast: 1.5 }, true],
    [{ of: "ratio", atLeast: 1.51 }, false],
    [{ of: "ours", atMost: 3 }, true],
    [{ of: "ours", atLeast: 3.1 }, false],
  ] as const)("bar %j: %s", (bar, holds) => {
    expect(row({ what: "x", ours: 3, reference: 2, unit: "ms", bar }).holds).toBe(holds);
  });

  test("what is not a number reaches no bar", () => {
    expect(row({ what: "x", ours: Number.NaN, unit: "ms", bar: { of: "ours", atMost: 1 } }).holds).toBe(false);
    expect(row({ what: "x", ours: 0, reference: 0, unit: "ms", bar: { of: "ratio", atMost: 1 } }).holds).toBe(false);
  });

  test("a bar on the ratio needs a reference", () => {
    expect(() => row({ what: "x", ours: 1, unit: "ms", bar: { of: "ratio", atMost: 1 } })).toThrow(
      "x: a bar on the ratio needs a reference",
    );
  });
});

describe("pairedRow", () => {
  test("has medians, and the median of the rounds' ratios", () => {
    const measured = { what: "x", ours: [1, 20, 6], reference: [2, 10, 3], unit: "s" };
    expect(pairedRow(measured)).toMatchObject({ ours: 6, reference: 3, ratio: 2, holds: null });
    expect(pairedRow({ ...measured, bar: { of: "ratio", atMost: 1.9 } }).holds).toBe(false);
  });

  test("needs no reference", () => {
    expect(pairedRow({ what: "x", ours: [1, 3], unit: "s" })).toMatchObject({ ours: 2, reference: null, ratio: null });
  });

  test("needs as many rounds of either", () => {
    expect(() => pairedRow({ what: "x", ours: [1, 2], reference: [1], unit: "s" })).toThrow(
      "x: expected as many rounds of the reference, got 2 and 1",
    );
  });
});

test("percentiles are interpolated and leave the samples as they are", () => {
  const samples = [4, 1, 3, 2];
  expect(median(samples)).toBe(2.5);
  expect(median([7])).toBe(7);
  expect(percentile(samples, 0)).toBe(1);
  expect(percentile(samples, 100)).toBe(4);
  expect(percentile([0, 10], 95)).toBeCloseTo(9.5);
  expect(samples).toEqual([4, 1, 3, 2]);
  expect(() => median([])).toThrow("at least one sample");
  expect(() => percentile([1], 101)).toThrow("from 0 to 100, got 101");
});

test("time calls warmup + runs times and keeps the runs", async () => {
  const call = vi.fn(() => Promise.resolve());
  expect(await time(call, { runs: 3, warmup: 2 })).toHaveLength(3);
  expect(call).toHaveBeenCalledTimes(5);
});

test("the table is aligned and says which bars fall short", () => {
  expect(formatReport(report)).toBe(
    [
      "echo",
      "A CPU, 2 cores, 8 GiB, linux 6.1 x64, no GPU",
      "node 20.20.2, sdk 0.1.0, zeromq 6.8.0, python 3.11.7",
      "",
      "            ours  reference  unit  ratio  bar",
      "round trip  0.25        0.2  ms     1.25  ratio <= 2    holds",
      "throughput   150             MB/s         ours >= 1000  FALLS SHORT",
      "start       12.3             s",
    ].join("\n"),
  );
  expect(shortfalls(report).map(({ what }) => what)).toEqual(["throughput"]);
});

test("a bar is shown in three digits", () => {
  const rows = [row({ what: "x", ours: 1, reference: 4, unit: "s", bar: { of: "ratio", atMost: 1 / 3 } })];
  expect(formatReport({ ...report, rows })).toContain("ratio <= 0.333  holds");
});

test("machine and versions are those of this process", () => {
  const machine = describeMachine();
  expect(machine.cores).toBeGreaterThan(0);
  expect(machine.memoryBytes).toBeGreaterThan(2 ** 28);
  expect(describeVersions()).toEqual({
    node: process.versions.node,
    sdk: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
    zeromq: expect.stringMatching(/^6\.8\./) as string,
    python: null,
    torch: null,
  });
});

describe("publish", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "glip-bench-"));
    vi.spyOn(console, "log").mockImplementation(() => undefined);
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
    process.exitCode = undefined;
  });

  test("--json saves what was reported", () => {
    publish(report, ["--json", join(folder, "echo.json")]);
    expect(JSON.parse(readFileSync(join(folder, "echo.json"), "utf8"))).toEqual(report);
    expect(process.exitCode).toBeUndefined();
  });

  test("--check makes a shortfall the exit code", () => {
    publish({ ...report, rows: report.rows.slice(0, 1) }, ["--check"]);
    expect(process.exitCode).toBeUndefined();
    publish(report, ["--check"]);
    expect(process.exitCode).toBe(1);
  });

  test("an unknown option is refused", () => {
    expect(() => publish(report, ["--jsn"])).toThrow("Unknown option '--jsn'");
  });
});
