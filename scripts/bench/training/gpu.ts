/** GLIP-T on a GPU: pictures a second, native in bfloat16 beside the official code with its AMP. */
import { pairedRow, row, type Row } from "../harness.ts";
import { hasCuda } from "../lib/cuda.ts";
import { gpuBatch, type Setting, start, texts } from "./setting.ts";

const text = "categories";

/** Without CUDA, nothing. */
export async function measureGpu(setting: Setting): Promise<Row[]> {
  if (!hasCuda(setting)) return [];
  const rounds = 10 * setting.rounds;
  using official = await start(setting, "official", gpuBatch, ["--device", "cuda", "--amp"]);
  using native = await start(setting, "native", gpuBatch, ["--device", "cuda", "--precision", "bfloat16"]);
  const speeds: Record<"native" | "official", number[]> = { native: [], official: [] };
  let peaks = { native: Number.NaN, official: Number.NaN };
  // The first rounds choose algorithms and allocate memory.
  for (let round = -3; round < rounds; round++) {
    const theirs = await official.step(text, true);
    const ours = await native.step(text);
    if (round < 0) continue;
    speeds.official.push(gpuBatch.pictures / theirs.seconds);
    speeds.native.push(gpuBatch.pictures / ours.seconds);
    peaks = { native: megabytes(ours.device_bytes), official: megabytes(theirs.device_bytes) };
  }
  const what = `GPU, batch of ${gpuBatch.pictures}, ${gpuBatch.side}x${gpuBatch.side}, ${texts[text]}`;
  return [
    pairedRow({
      what: `${what}, bfloat16 against AMP`,
      ours: speeds.native,
      reference: speeds.official,
      unit: "pictures/s",
    }),
    row({ what: `${what}, peak of tensors`, ours: peaks.native, reference: peaks.official, unit: "MB" }),
  ];
}

function megabytes(bytes: number | null): number {
  return (bytes ?? Number.NaN) / 1e6;
}
