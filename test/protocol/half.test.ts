import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { decodeBFloat16, decodeFloat16, encodeBFloat16, encodeFloat16 } from "../../src/protocol/half.ts";
import { testPython } from "../support/python.ts";

const patterns = Array.from({ length: 65_536 }, (_, pattern) => pattern);

it("decodes and encodes every float16 pattern", () => {
  const wrong = patterns.filter((pattern) => {
    const value = decodeFloat16(pattern);
    return Number.isNaN(value) ? (pattern & 0x7fff) <= 0x7c00 : encodeFloat16(value) !== pattern;
  });
  expect(wrong).toEqual([]);
});

it("decodes and encodes every bfloat16 pattern", () => {
  const wrong = patterns.filter((pattern) => {
    const value = decodeBFloat16(pattern);
    return Number.isNaN(value) ? (pattern & 0x7fff) <= 0x7f80 : encodeBFloat16(value) !== pattern;
  });
  expect(wrong).toEqual([]);
});

it("rounds as numpy and torch do", { timeout: 60_000 }, async () => {
  const table = [0, -0, 1, -1, Infinity, -Infinity, 65504, 65519.99, 65520, 65536, -65520, 1e300, -1e300, 1e-300];
  table.push(2 ** -14, 2 ** -24, 2 ** -25, 2 ** -25 * 1.0001, 1.5 * 2 ** -24, 2.5 * 2 ** -24, 2 ** -14 - 2 ** -25);
  // Ties between neighbours, and one step to either side.
  table.push(1 + 2 ** -11, 1 + 3 * 2 ** -11, 1 + 2 ** -11 + 2 ** -30, 1 + 2 ** -11 - 2 ** -30, 2047.5, 2048.5, 2051);
  table.push(1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -20, 1 + 2 ** -8 - 2 ** -20, 0.1, 1 / 3, 3.4028235e38);
  for (let index = 0; index < 2000; index++) table.push(Math.sin(index + 1) * 2 ** ((index % 44) - 26));
  // Half precision of numpy comes from doubles, bfloat16 of torch by way of float32: so does ours.
  const script = [
    "import json, sys, struct, numpy, torch",
    "numpy.seterr(all='ignore')",
    "doubles = numpy.frombuffer(sys.stdin.buffer.read(), '<f8')",
    "half = doubles.astype('<f2').view('<u2').tolist()",
    "brain = torch.from_numpy(doubles.astype('<f4')).to(torch.bfloat16).view(torch.int16).numpy().view('<u2').tolist()",
    "every = numpy.arange(65536, dtype='<u2').view('<f2').astype('<f8')",
    "print(json.dumps([half, brain, [None if numpy.isnan(x) else repr(float(x)) for x in every]]))",
  ].join("\n");
  const output = execFileSync(await testPython(), ["-c", script], {
    input: new Uint8Array(Float64Array.from(table).buffer),
    maxBuffer: 2 ** 24,
  });
  const [half, brain, every] = JSON.parse(output.toString()) as [number[], number[], (string | null)[]];
  expect(table.map(encodeFloat16)).toEqual(half);
  expect(table.map(encodeBFloat16)).toEqual(brain);
  const decoded = every.map((text) =>
    text === null ? NaN : Number(text === "inf" ? "Infinity" : text.replace("-inf", "-Infinity")),
  );
  expect(patterns.filter((pattern) => !Object.is(decodeFloat16(pattern), decoded[pattern]))).toEqual([]);
});

it("keeps NaN a NaN", () => {
  expect(decodeFloat16(encodeFloat16(NaN))).toBeNaN();
  expect(decodeBFloat16(encodeBFloat16(NaN))).toBeNaN();
});
