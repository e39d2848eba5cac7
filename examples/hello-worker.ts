/**
 * A worker from start to end: calls with tensors, a stream, giving up, errors. Needs `npx glip setup` once; from this
 * repository: node scripts/run.mjs examples/hello-worker.ts
 */
import assert from "node:assert/strict";
import { isGlipError, launch, Tensor } from "glip-sdk";

// The worker ends with this block, however the block ends.
await using glip = await launch({ engine: "none" });
const { device, versions, pid } = glip.info;
console.log(`worker ${pid} on ${device.name}: Python ${versions["python"]}, torch ${versions["torch"]}`);

// A call: parameters in, result out, both typed and checked. Tensors travel as they are.
const matrix = Tensor.from("float32", [
  [1, 2, 3],
  [4, 5, 6],
]);
const described = await glip.call("diagnostics.describe", { tensor: matrix });
console.log("described:", described);
assert.deepEqual(described, { dtype: "float32", shape: [2, 3], bytes: 24, sum: 21 });

const { value } = await glip.call("diagnostics.echo", { value: { name: "matrix", matrix } });
const echoed = value as { name: string; matrix: Tensor };
assert.ok(echoed.matrix.equals(matrix));
console.log("echoed:", echoed);

// A stream: events on the way, and a result.
const count = glip.stream("diagnostics.count", { steps: 3, pause_ms: 10 });
const steps: number[] = [];
for await (const { step } of count) steps.push(step);
console.log("streamed:", steps, await count.result);
assert.deepEqual(steps, [1, 2, 3]);

// Giving up: an AbortSignal, or a deadline. The worker stops between two steps and takes the next call.
const long = { steps: 100_000, pause_ms: 10 };
await assert.rejects(glip.call("diagnostics.count", long, { signal: AbortSignal.timeout(50) }), (error) => {
  assert.ok(isGlipError(error, "cancelled"));
  console.log("gave up:", error.message);
  return true;
});
await assert.rejects(glip.call("diagnostics.count", long, { timeoutMs: 50 }), { code: "deadline_exceeded" });

// Errors are GlipErrors: a code to act on, details with the facts, a message that says what to do.
const wrong = { steps: -1, pause_ms: 10 };
await assert.rejects(glip.call("diagnostics.count", wrong), (error) => {
  assert.ok(isGlipError(error, "invalid_argument"));
  console.log("refused:", error.message);
  return error.details.path === "params.steps";
});
await assert.rejects(glip.call("no.such.method"), { code: "unknown_method" });

await glip.close();
await assert.rejects(glip.call("diagnostics.echo", { value: 1 }), { code: "worker_closed" });
console.log("closed");
