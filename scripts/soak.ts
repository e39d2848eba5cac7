// Launches and closes a worker again and again, then makes thousands of calls, and prints what is left as JSON:
//
//   npm run soak [-- --cycles 50 --calls 10000]
//
// Exit code 1 when something is left, or memory grows. GLIP_PYTHON names the interpreter, else the managed one is used.

import { readdirSync, readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Glip, launch, Tensor } from "glip-sdk";

const { values } = parseArgs({
  options: { cycles: { type: "string", default: "50" }, calls: { type: "string", default: "10000" } },
});
const cycles = Number(values.cycles);
const calls = Number(values.calls);

/** Calls under way at a time. */
const width = 4;
/** After so many calls, caches and pools have the size that they keep. */
const warmUp = Math.min(1000, calls / 2);
/** What may be added after that: allocators do not give everything back. */
const growthLimit = 64 * 2 ** 20;

const mebibyte = new Tensor(
  "float32",
  [2 ** 18],
  Float32Array.from({ length: 2 ** 18 }, (_, index) => index),
);

interface Held {
  descriptors: number;
  children: number;
  directories: number;
  resources: number;
}

/** What this process has open: files, children, private directories, and what keeps its event loop alive. */
function held(): Held {
  const children = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && parentOf(pid) === process.pid);
  const directories = readdirSync("/dev/shm").filter((name) => ownerOf(name) === process.pid);
  return {
    descriptors: readdirSync("/proc/self/fd").length,
    children: children.length,
    directories: directories.length,
    resources: process.getActiveResourcesInfo().length,
  };
}

function parentOf(pid: string): number | undefined {
  const stat = textOf(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
}

function ownerOf(name: string): number {
  return name.startsWith("glip-") ? Number.parseInt(textOf(`/dev/shm/${name}/owner`), 10) : Number.NaN;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}

/** Bytes of memory that belong to the process alone, shared memory left out. */
function memoryOf(pid: number): number {
  return Number(/^RssAnon:\s+(\d+)/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? Number.NaN) * 1024;
}

async function cycle(): Promise<void> {
  await using glip = await launch({ engine: "none", device: "cpu" });
  await glip.call("diagnostics.echo", { value: mebibyte });
}

async function makeCalls(glip: Glip, count: number): Promise<void> {
  let left = count;
  const one = async (): Promise<void> => {
    while (left-- > 0) {
      const { value } = await glip.call("diagnostics.echo", { value: mebibyte });
      if ((value as Tensor).byteLength !== mebibyte.byteLength) throw new Error("not an echo");
    }
  };
  await Promise.all(Array.from({ length: width }, one));
}

/** What memory does over the calls, here and in the worker. */
async function soak(options: { transport: "zeromq" | "zmtp"; sharedMemory: boolean }) {
  await using glip = await launch({ engine: "none", device: "cpu", ...options });
  await makeCalls(glip, warmUp);
  const measure = () => ({ client: memoryOf(process.pid), worker: memoryOf(glip.info.pid) });
  const before = measure();
  const start = performance.now();
  await makeCalls(glip, calls - warmUp);
  const seconds = (performance.now() - start) / 1000;
  const after = measure();
  const grown = { client: after.client - before.client, worker: after.worker - before.worker };
  const holds = grown.client < growthLimit && grown.worker < growthLimit;
  return { ...options, calls, callsPerSecond: Math.round((calls - warmUp) / seconds), before, after, grown, holds };
}

// The first loads what stays loaded: the add-on and its threads.
await cycle();
const before = held();
const start = performance.now();
for (let number = 0; number < cycles; number++) await cycle();
const seconds = (performance.now() - start) / 1000;
// The last handles close with the event loop's next rounds.
await new Promise((resolve) => setTimeout(resolve, 500));
const after = held();
const clean = JSON.stringify(before) === JSON.stringify(after);
const launches = { cycles, seconds: Math.round(seconds), before, after, holds: clean };

const memory = [
  await soak({ transport: "zeromq", sharedMemory: true }),
  await soak({ transport: "zeromq", sharedMemory: false }),
  await soak({ transport: "zmtp", sharedMemory: false }),
];
console.log(JSON.stringify({ launches, memory }, undefined, 2));
if (!clean || memory.some(({ holds }) => !holds)) process.exitCode = 1;
