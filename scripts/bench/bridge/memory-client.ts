/**
 * A client of its own process: 1 MB there and 1 MB back in each call, and what that does to the memory of both sides.
 * Arguments: python, home, transport, calls, warm-up calls. Sends one `MemoryReport` to its parent.
 */
import { launch, Tensor } from "glip-sdk";
import { residentMegabytes } from "../lib/memory.ts";
import { fixtures } from "./subject.ts";

export interface MemoryReport {
  client: Growth;
  worker: Growth;
}

/** Megabytes: resident after the warm-up and in the end, and the peak. */
export interface Growth {
  before: number;
  after: number;
  peak: number;
}

const [python = "", home = "", transport = "", calls = "", warmup = ""] = process.argv.slice(2);

const glip = await launch({
  interpreter: python,
  home,
  transport: transport as "zeromq" | "zmtp",
  device: "cpu",
  plugins: ["bench_plugin"],
  pythonPath: [fixtures],
});
const { pid } = glip.info;
const tensor = Tensor.zeros("uint8", [1_000_000]);

const call = async (): Promise<void> => {
  const answer = (await glip.call("bench.both", { tensor })) as { tensor: Tensor<"uint8"> };
  if (answer.tensor.data[999_999] !== 1) throw new Error("bench.both: expected ones");
};

for (let index = 0; index < Number(warmup); index++) await call();
const before = { client: residentMegabytes(process.pid).now, worker: residentMegabytes(pid).now };
for (let index = Number(warmup); index < Number(calls); index++) await call();
const after = { client: residentMegabytes(process.pid), worker: residentMegabytes(pid) };
await glip.close();

const report: MemoryReport = {
  client: { before: before.client, after: after.client.now, peak: after.client.peak },
  worker: { before: before.worker, after: after.worker.now, peak: after.worker.peak },
};
process.send?.(report);
