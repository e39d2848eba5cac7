/**
 * The live window into the worker's Python: look at its objects, call them, change them. It executes whatever it is
 * told, so it opens only when `launch` is told to. From this repository: node scripts/run.mjs examples/python-window.ts
 */
import assert from "node:assert/strict";
import { launch } from "glip-sdk";

// Python's objects have no types here: say what you expect of them, or write along without.
interface Scope {
  device: { type: PromiseLike<string> };
}
interface Torch {
  ones(...shape: number[]): Promise<TorchTensor>;
}
interface TorchTensor {
  sum$(keywords: { dim: number }): Promise<TorchTensor>;
  tolist(): Promise<{ valueOf(): Promise<number[]> }>;
}

await using glip = await launch({ engine: "none", python: true });
using python = await glip.python();

// Attributes and calls; `await` gives the value.
const pid = await python.evaluate("__import__('os').getpid()");
console.log("the worker's process:", pid);
assert.equal(pid, glip.info.pid);
const scope = python.scope as unknown as Scope;
const type = await scope.device.type;
console.log("its device:", type);
assert.equal(type, glip.info.device.type);

// Any module of the worker; `name$(…, { keyword })` passes keyword arguments.
const torch = (await python.import("torch")) as Torch;
const ones = await torch.ones(2, 3);
const sums = await ones.sum$({ dim: 0 });
const list = await (await sums.tolist()).valueOf();
console.log("column sums:", list);
assert.deepEqual(list, [2, 2, 2]);

// An expression of Python, with names of yours in it.
const parameters = await python.evaluate("sum(p.numel() for p in torch.nn.Linear(10, 3).parameters())", { torch });
console.log("parameters of a 10 x 3 layer:", parameters);
assert.equal(parameters, 33);

// What Python raises rejects.
await assert.rejects(python.evaluate("1 / 0"), (error: Error & { code?: string }) => {
  console.log("raised:", error.message);
  return error.code === "worker_error" && error.message === "Python: ZeroDivisionError: division by zero";
});
