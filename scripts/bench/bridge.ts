/**
 * The way to the worker and back, beside raw ZeroMQ, pythonia and HTTP: npm run bench -- bridge [--quick]
 * docs/benchmarks.md says what each row means. It needs `npx glip setup --group dev`.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { measureMemory } from "./bridge/memory.ts";
import type { Subject } from "./bridge/subject.ts";
import { openHttp, openPythonia, openRaw, openSdk } from "./bridge/subjects.ts";
import {
  type Bar,
  describeMachine,
  describeVersions,
  median,
  percentile,
  publish,
  row,
  type Row,
  time,
} from "./harness.ts";
import { measureLaunch } from "./lib/launch.ts";
import { residentMegabytes } from "./lib/memory.ts";

const megabyte = 1_000_000;
const sizes = [1, 10, 100];

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const { python } = resolveEnvironment({ groups: ["dev"] });
const rounds = quick ? 4 : 12;

const directory = mkdtempSync(join(tmpdir(), "glip-bench-"));
const home = join(directory, "home");
/** Milliseconds of each sample of each round, by what was measured and who did it. */
const samples = new Map<string, number[][]>();

try {
  const peaks = await measureCalls();
  const rows = [...callRows(), ...(await launchRows()), ...(await memoryRows()), ...peaks];
  const report = { benchmark: "bridge", machine: describeMachine(), versions: describeVersions(python), rows };
  publish(
    report,
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Everybody does a little of everything in each round, so that a machine that is slower for a while is so for all. */
async function measureCalls(): Promise<Row[]> {
  const raw = await openRaw(python, directory);
  const ours = [await openSdk(python, "zeromq", home), await openSdk(python, "zmtp", home)] as const;
  const http = await openHttp(python);
  const pythonia = await openPythonia(python);
  const subjects: Subject[] = [raw, ...ours, http, pythonia];
  const payloads = new Map(sizes.map((size) => [size, new Uint8Array(size * megabyte).fill(1)]));

  for (let round = -1; round < rounds; round++) {
    // The first round fills caches and does not count.
    const keep = round >= 0;
    for (const subject of rotated(subjects, round)) await sample(keep, "ping", subject.name, 100, () => subject.ping());
    for (const [size, payload] of payloads) {
      const runs = Math.max(2, Math.round(20 / size));
      for (const subject of rotated(subjects, round)) {
        if (subject === pythonia && size !== 10) continue;
        const once = (what: string, call: () => Promise<void>) =>
          sample(keep, `${size} MB ${what}`, subject.name, runs, call);
        await once("up", () => subject.up(payload));
        await once("down", () => subject.down(size * megabyte));
        const released = ours.find((one) => one === subject);
        if (released !== undefined) await once("down, released", () => released.downAndRelease(size * megabyte));
      }
    }
  }
  const peaks = [
    ...subjects.map(({ name, pid }) => ({ name: `Python of ${name}`, pid })),
    { name: "this process", pid: process.pid },
  ].map(({ name, pid }) => row({ what: `peak memory, ${name}`, ours: residentMegabytes(pid).peak, unit: "MB" }));
  for (const subject of subjects) await subject.close();
  return peaks;
}

async function sample(
  keep: boolean,
  what: string,
  who: string,
  runs: number,
  call: () => Promise<void>,
): Promise<void> {
  const measured = await time(call, { runs, warmup: 1 });
  if (!keep) return;
  const key = keyOf(what, who);
  samples.set(key, [...(samples.get(key) ?? []), measured]);
}

function callRows(): Row[] {
  const rows: Row[] = [];
  for (const who of ["glip zeromq", "glip zmtp"]) {
    // The bars are the default transport's.
    const bar = (limit: Bar): Bar | undefined => (who === "glip zeromq" ? limit : undefined);
    const pings = (percent: number, other: string, limit?: Bar) =>
      row({
        what: `${who}: call p${percent}, against ${other}`,
        ours: percentile(of("ping", who), percent) * 1000,
        reference: percentile(of("ping", other), percent) * 1000,
        unit: "µs",
        ratio: pairedRatio(roundsOf("ping", who), roundsOf("ping", other), percent),
        bar: limit,
      });
    const speeds = (what: string, mine: string, other: string, limit?: Bar) => {
      const speed = (key: string, name: string) => Number.parseInt(key) / (median(of(key, name)) / 1000);
      return row({
        what: `${who}: ${mine}, against ${other}`,
        ours: speed(mine, who),
        reference: speed(what, other),
        unit: "MB/s",
        ratio: 1 / pairedRatio(roundsOf(mine, who), roundsOf(what, other), 50),
        bar: limit,
      });
    };
    rows.push(pings(50, "raw zeromq", bar({ of: "ratio", atMost: 2 })), pings(99, "raw zeromq"));
    for (const size of sizes) {
      const least = { 10: 0.85, 100: 3 }[size];
      const limit = least === undefined ? undefined : bar({ of: "ratio", atLeast: least });
      rows.push(speeds(`${size} MB up`, `${size} MB up`, "raw zeromq", limit));
      rows.push(speeds(`${size} MB down`, `${size} MB down, released`, "raw zeromq", limit));
      rows.push(speeds(`${size} MB down`, `${size} MB down`, "raw zeromq"));
    }
    rows.push(pings(50, "http"));
    for (const size of sizes) {
      rows.push(speeds(`${size} MB up`, `${size} MB up`, "http"));
      rows.push(speeds(`${size} MB down`, `${size} MB down, released`, "http"));
    }
    rows.push(pings(50, "pythonia"));
    rows.push(speeds("10 MB up", "10 MB up", "pythonia", bar({ of: "ratio", atLeast: 20 })));
    rows.push(speeds("10 MB down", "10 MB down, released", "pythonia", bar({ of: "ratio", atLeast: 20 })));
  }
  return rows;
}

async function launchRows(): Promise<Row[]> {
  const options = { engine: "none", interpreter: python, home, device: "cpu" } as const;
  const { imports, launches } = await measureLaunch(options, quick ? 3 : 7, () => Promise.resolve());
  const reference = median(imports);
  const limit: Bar = { of: "ours", atMost: Math.round(1.25 * reference + 300) };
  return [
    row({ what: "launch() to ready, against import torch", ours: median(launches), reference, unit: "ms", bar: limit }),
  ];
}

async function memoryRows(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const transport of ["zeromq", "zmtp"] as const) {
    const bar: Bar | undefined = transport === "zeromq" ? { of: "ours", atMost: 20 } : undefined;
    const counts = quick ? { calls: 3000, warmup: 1000 } : { calls: 10_000, warmup: 1000 };
    const report = await measureMemory(python, home, transport, counts);
    for (const side of ["client", "worker"] as const) {
      const { before, after, peak } = report[side];
      const of = `glip ${transport}: ${counts.calls} calls, 1 MB each way`;
      rows.push(row({ what: `${of}: growth of the ${side}`, ours: after - before, unit: "MB", bar }));
      rows.push(row({ what: `${of}: peak of the ${side}`, ours: peak, unit: "MB" }));
    }
  }
  return rows;
}

function of(what: string, who: string): number[] {
  return roundsOf(what, who).flat();
}

function roundsOf(what: string, who: string): number[][] {
  return samples.get(keyOf(what, who)) ?? [];
}

/** The median over the rounds of how much longer one took than the other in the same round. */
function pairedRatio(mine: readonly number[][], others: readonly number[][], percent: number): number {
  return median(mine.map((round, index) => percentile(round, percent) / percentile(others[index] ?? [], percent)));
}

function keyOf(what: string, who: string): string {
  return `${who}: ${what}`;
}

function rotated<T>(items: readonly T[], by: number): T[] {
  const start = ((by % items.length) + items.length) % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}
