/** What all benchmarks share: how a result looks, and how it is measured, shown, saved and checked. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, platform, release, totalmem } from "node:os";
import { parseArgs } from "node:util";

/** What a row must reach: a limit on `ours`, or on `ratio` = ours / reference. */
export type Bar = { of: "ours" | "ratio"; atMost: number } | { of: "ours" | "ratio"; atLeast: number };

export interface Measurement {
  /** What was measured, e.g. `detect, batch 8, 640x480`. */
  what: string;
  ours: number;
  /** The same, done the way we compare with; leave it out when there is none. */
  reference?: number | undefined;
  /** Unit of `ours` and `reference`, e.g. `ms`. */
  unit: string;
  /** Where both were taken in turns: the median of the rounds' ratios, which a machine that slows down does not change.
   * @default ours / reference */
  ratio?: number | undefined;
  bar?: Bar | undefined;
}

export interface Row {
  what: string;
  ours: number;
  reference: number | null;
  unit: string;
  /** ours / reference, or the median of it over rounds. */
  ratio: number | null;
  bar: Bar | null;
  /** Whether the bar is reached; null without a bar. */
  holds: boolean | null;
}

export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  os: string;
  /** Name of the first NVIDIA GPU; null without one. */
  gpu: string | null;
}

export interface Versions {
  node: string;
  sdk: string;
  zeromq: string;
  /** null when the benchmark was given no Python. */
  python: string | null;
  torch: string | null;
}

export interface Report {
  benchmark: string;
  machine: Machine;
  versions: Versions;
  rows: Row[];
}

/** A measurement, held against its bar. Something that is not a number reaches no bar. */
export function row({ what, ours, reference, unit, bar, ratio: paired }: Measurement): Row {
  const ratio = paired ?? (reference === undefined ? null : ours / reference);
  if (bar?.of === "ratio" && ratio === null) throw new Error(`${what}: a bar on the ratio needs a reference`);
  return {
    what,
    ours,
    reference: reference ?? null,
    unit,
    ratio,
    bar: bar ?? null,
    holds: bar === undefined ? null : reaches(bar, bar.of === "ours" ? ours : (ratio ?? Number.NaN)),
  };
}

/** What was measured round by round, by both sides in turns where there is a reference: medians, and that of the ratios. */
export interface Rounds extends Omit<Measurement, "ours" | "reference" | "ratio"> {
  ours: readonly number[];
  reference?: readonly number[] | undefined;
}

export function pairedRow({ ours, reference, ...rest }: Rounds): Row {
  if (reference === undefined) return row({ ...rest, ours: median(ours) });
  if (reference.length !== ours.length)
    throw new Error(
      `${rest.what}: expected as many rounds of the reference, got ${ours.length} and ${reference.length}`,
    );
  const ratio = median(ours.map((value, round) => value / (reference[round] ?? Number.NaN)));
  return row({ ...rest, ours: median(ours), reference: median(reference), ratio });
}

function reaches(bar: Bar, value: number): boolean {
  return "atMost" in bar ? value <= bar.atMost : value >= bar.atLeast;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 50);
}

/** The p-th percentile (0 to 100), interpolated between the two nearest samples. */
export function percentile(samples: readonly number[], p: number): number {
  if (samples.length === 0) throw new Error("a percentile needs at least one sample");
  if (!(p >= 0 && p <= 100)) throw new Error(`expected a percentile from 0 to 100, got ${p}`);
  const sorted = samples.toSorted((a, b) => a - b);
  const position = ((sorted.length - 1) * p) / 100;
  const below = sorted[Math.floor(position)] ?? Number.NaN;
  const above = sorted[Math.ceil(position)] ?? Number.NaN;
  return below + (above - below) * (position - Math.floor(position));
}

/** Milliseconds of each of `runs` calls, made one after the other, after `warmup` calls that do not count. */
export async function time(
  call: () => unknown,
  options: { runs: number; warmup?: number | undefined },
): Promise<number[]> {
  const samples: number[] = [];
  for (let index = -(options.warmup ?? 0); index < options.runs; index++) {
    const start = performance.now();
    await call();
    if (index >= 0) samples.push(performance.now() - start);
  }
  return samples;
}

export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    os: `${platform()} ${release()} ${arch()}`,
    gpu: firstLine("nvidia-smi", ["--query-gpu=name", "--format=csv,noheader"]),
  };
}

/** @param python the interpreter that the benchmark uses, if it uses one */
export function describeVersions(python?: string): Versions {
  return {
    node: process.versions.node,
    sdk: versionIn(new URL("../../package.json", import.meta.url)),
    zeromq: versionIn(createRequire(import.meta.url).resolve("zeromq/package.json")),
    python:
      python === undefined ? null : firstLine(python, ["-c", "import platform; print(platform.python_version())"]),
    torch: python === undefined ? null : firstLine(python, ["-c", "import torch; print(torch.__version__)"]),
  };
}

function versionIn(packageJson: string | URL): string {
  const { version } = JSON.parse(readFileSync(packageJson, "utf8")) as { version: string };
  return version;
}

function firstLine(command: string, args: string[]): string | null {
  try {
    const output = execFileSync(command, args, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
      timeout: 60_000,
    });
    return output.split("\n")[0]?.trim() || null;
  } catch {
    return null;
  }
}

/** The rows as a table for a terminal, with machine and versions above it. */
export function formatReport({ benchmark, machine, versions, rows }: Report): string {
  const { cpu, cores, memoryBytes, os, gpu } = machine;
  const hardware = [cpu, `${cores} cores`, `${(memoryBytes / 2 ** 30).toFixed(0)} GiB`, os, gpu ?? "no GPU"];
  const software = Object.entries(versions).flatMap(([name, version]) =>
    version === null ? [] : [`${name} ${version}`],
  );
  const table = [
    ["", "ours", "reference", "unit", "ratio", "bar", ""],
    ...rows.map((entry) => [
      entry.what,
      formatNumber(entry.ours),
      formatNumber(entry.reference),
      entry.unit,
      formatNumber(entry.ratio),
      formatBar(entry.bar),
      entry.holds === null ? "" : entry.holds ? "holds" : "FALLS SHORT",
    ]),
  ];
  return [benchmark, hardware.join(", "), software.join(", "), "", ...align(table)].join("\n");
}

function align(table: string[][]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((cells) => cells[column]?.length ?? 0)));
  const numeric = new Set([1, 2, 4]);
  return table.map((cells) =>
    cells
      .map((cell, column) =>
        numeric.has(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0),
      )
      .join("  ")
      .trimEnd(),
  );
}

function formatNumber(value: number | null): string {
  if (value === null) return "";
  if (!Number.isFinite(value)) return String(value);
  // Three digits that mean something; whole numbers stay whole.
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

function formatBar(bar: Bar | null): string {
  if (bar === null) return "";
  return "atMost" in bar ? `${bar.of} <= ${formatNumber(bar.atMost)}` : `${bar.of} >= ${formatNumber(bar.atLeast)}`;
}

/** The rows that have a bar and do not reach it. */
export function shortfalls(report: Report): Row[] {
  return report.rows.filter((entry) => entry.holds === false);
}

/**
 * Prints a report, and does what the command line asks for: `--json FILE` saves it, `--check` makes the process exit
 * with 1 when a row falls short of its bar.
 */
export function publish(report: Report, args: string[] = process.argv.slice(2)): void {
  const { values } = parseArgs({ args, options: { json: { type: "string" }, check: { type: "boolean" } } });
  console.log(formatReport(report));
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(report, null, 2)}\n`);
  if (values.check === true && shortfalls(report).length > 0) process.exitCode = 1;
}
