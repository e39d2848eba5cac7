import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { sharedMemoryLimits } from "../../src/bridge/shared-memory.ts";
import type { Glip } from "../../src/glip.ts";
import { connect } from "../../src/launch.ts";
import { arrayConstructors, type DType, dtypes, elementSize } from "../../src/protocol/dtype.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { pattern, within } from "../support/connection.ts";
import { directoriesOf } from "../support/leftovers.ts";
import { type BareWorker, startWorker, transports } from "../support/worker.ts";

const MiB = 2 ** 20;
const memory = "/dev/shm";

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());

/** Every bit pattern that the dtype allows, NaNs of every kind included. */
function filled<D extends DType>(dtype: D, shape: readonly number[], seed = 1): Tensor<D> {
  const count = shape.reduce((product, length) => product * length, 1);
  const bytes = pattern(count * elementSize(dtype), seed);
  if (dtype === "bool") for (let index = 0; index < bytes.length; index++) bytes[index] = (bytes[index] ?? 0) & 1;
  return new Tensor(dtype, shape, new arrayConstructors[dtype](bytes.buffer as ArrayBuffer));
}

function same(left: unknown, right: Tensor): boolean {
  return (
    left instanceof Tensor &&
    left.dtype === right.dtype &&
    left.shape.join() === right.shape.join() &&
    Buffer.compare(left.bytes, right.bytes) === 0
  );
}

describe.each(transports)("%s", (transport) => {
  let glip: Glip;
  let folder: string;
  beforeAll(async () => {
    const before = directoriesOf(process.pid);
    glip = await connect(worker.endpoint, { transport });
    folder = join(memory, directoriesOf(process.pid).find((name) => !before.includes(name)) ?? "none", "memory");
  });
  afterAll(() => glip.close());

  const segments = (prefix: string): string[] =>
    existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(prefix)) : [];

  describe.each(dtypes)("a tensor of %s comes back bit by bit", (dtype) => {
    const large = (3 * MiB) / elementSize(dtype);
    const shapes: [name: string, shape: number[]][] = [
      ["a scalar", []],
      ["an empty one", [0]],
      ["an empty one of three axes", [3, 0, 2]],
      ["one axis", [1001]],
      ["three axes", [3, 5, 7]],
      ["one large axis", [large]],
      ["three large axes", [3, 64, large / 192]],
    ];
    it.each(shapes)("%s", { timeout: 10_000 }, async (_, shape) => {
      const tensor = filled(dtype, shape);
      const { value } = await within(5000, glip.call("diagnostics.echo", { value: { tensor } }));
      expect(same((value as { tensor: unknown }).tensor, tensor)).toBe(true);
    });
  });

  describe.runIf(existsSync(memory))("shared memory", () => {
    it("carries large tensors, both ways, in the same few segments again and again", { timeout: 20_000 }, async () => {
      expect(glip.info.shared_memory).toBe(true);
      for (let seed = 0; seed < 20; seed++) {
        const tensor = filled("uint8", [2 * MiB + seed], seed);
        const { value } = await within(5000, glip.call("diagnostics.echo", { value: tensor }));
        expect(same(value, tensor)).toBe(true);
      }
      expect(segments("c-").length).toBeGreaterThan(0);
      expect(segments("c-").length).toBeLessThan(5);
      expect(segments("w-").length).toBeGreaterThan(0);
      expect(segments("w-").length).toBeLessThan(5);
    });

    it("mixes with frames in one message, in order", { timeout: 10_000 }, async () => {
      const tensors = [10, 3 * MiB, 20, 2 * MiB, 0].map((size, seed) => filled("uint8", [size], seed));
      const { value } = await within(5000, glip.call("diagnostics.echo", { value: tensors }));
      expect((value as unknown[]).map((item, index) => same(item, tensors[index] as Tensor))).toEqual(
        tensors.map(() => true),
      );
    });

    it("serves many calls at once, each its own tensors", { timeout: 20_000 }, async () => {
      const calls = Array.from({ length: 40 }, async (_, seed) => {
        const tensor = filled("uint8", [2 * MiB], seed);
        const { value } = await glip.call("diagnostics.echo", { value: tensor });
        return same(value, tensor);
      });
      expect(new Set(await within(15_000, Promise.all(calls)))).toEqual(new Set([true]));
    });

    it("gives way to frames when it is used up", { timeout: 20_000 }, async () => {
      vi.spyOn(sharedMemoryLimits, "maxBytes", "get").mockReturnValue(8 * MiB);
      await using limited = await connect(worker.endpoint, { transport });
      const calls = Array.from({ length: 20 }, async (_, seed) => {
        const tensor = filled("uint8", [2 * MiB], seed);
        return same((await limited.call("diagnostics.echo", { value: tensor })).value, tensor);
      });
      expect(new Set(await within(15_000, Promise.all(calls)))).toEqual(new Set([true]));
    });

    it("is free again after calls that were given up", { timeout: 20_000 }, async () => {
      const before = segments("").length;
      const tensor = filled("uint8", [2 * MiB]);
      for (let count = 0; count < 30; count++) {
        const controller = new AbortController();
        const call = glip.call("diagnostics.echo", { value: tensor }, { signal: controller.signal });
        if (count % 2 === 0) setImmediate(() => controller.abort());
        await call.catch(() => {});
      }
      await glip.call("diagnostics.echo", { value: 1 });
      expect(segments("").length).toBeLessThanOrEqual(before + 4);
    });

    it("gives released memory to the next tensor", { timeout: 10_000 }, async () => {
      const generate = async () =>
        (await within(5000, glip.call("diagnostics.generate", { dtype: "uint8", shape: [5 * MiB] }))).tensor;
      const first = await generate();
      const { buffer } = first.data;
      first.release();
      expect((await generate()).data.buffer).toBe(buffer);
    });

    it("does not have to be", { timeout: 10_000 }, async () => {
      await using plain = await connect(worker.endpoint, { transport, sharedMemory: false });
      expect(plain.info.shared_memory).toBe(false);
      const tensor = filled("float32", [MiB]);
      expect(same((await within(5000, plain.call("diagnostics.echo", { value: tensor }))).value, tensor)).toBe(true);
    });

    it("leaves nothing behind", { timeout: 10_000 }, async () => {
      const before = directoriesOf(process.pid);
      const leaves = await connect(worker.endpoint, { transport });
      await leaves.call("diagnostics.echo", { value: filled("uint8", [2 * MiB]) });
      expect(directoriesOf(process.pid).length).toBe(before.length + 1);
      await leaves.close();
      expect(directoriesOf(process.pid)).toEqual(before);
    });
  });
});
