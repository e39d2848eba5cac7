import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Channel } from "../../src/bridge/channel.ts";
import { encodeMessage } from "../../src/bridge/codec.ts";
import { connect } from "../../src/launch.ts";
import { schemaHash } from "../../src/protocol/schema-hash.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { connect as connectRaw, within } from "../support/connection.ts";
import { fakeWorker } from "../support/fake-worker.ts";
import { failure } from "../support/faults.ts";
import { header } from "../support/raw-message.ts";
import { type BareWorker, openers, startWorker, transports } from "../support/worker.ts";

const limit = 2 ** 20;

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker({ limits: { max_frame_bytes: limit }, shared_memory: false });
});
afterAll(() => worker[Symbol.asyncDispose]());

describe.each(transports)("%s: a message over the limit", (transport) => {
  it("is not even sent to the worker", { timeout: 10_000 }, async () => {
    await using glip = await connect(worker.endpoint, { transport });
    const exact = Tensor.zeros("uint8", [limit]);
    expect(await within(5000, glip.call("diagnostics.describe", { tensor: exact }))).toMatchObject({ bytes: limit });
    const tensor = Tensor.zeros("uint8", [limit + 1]);
    const frame = await within(1000, failure(glip.call("diagnostics.describe", { tensor }), "message_too_large"));
    expect(frame.details).toEqual({ bytes: limit + 1, limit });
    expect(frame.message).toContain("send it in parts or raise maxFrameBytes");
    const text = glip.call("diagnostics.echo", { value: "x".repeat(limit) });
    expect((await within(1000, failure(text, "message_too_large"))).details.limit).toBe(limit);
    const stream = glip.stream("diagnostics.count", { steps: 1, pause_ms: 0, extra: tensor } as never);
    await within(1000, failure(stream.result, "invalid_argument"));
    expect(await glip.call("diagnostics.echo", { value: 1 })).toEqual({ value: 1 });
  });

  it("becomes an error when the worker would send it", { timeout: 10_000 }, async () => {
    const options = { endpoint: worker.endpoint, transport, sdk: "0.1.0", maxFrameBytes: 1000, onDown: () => {} };
    const channel = await Channel.open(options);
    try {
      await channel.hello();
      const text = await within(
        2000,
        failure(channel.call("diagnostics.echo", { value: "x".repeat(1000) }), "message_too_large"),
      );
      expect(text.details.limit).toBe(1000);
      const generate = (count: number) => channel.call("diagnostics.generate", { dtype: "uint8", shape: [count] });
      expect((await within(2000, failure(generate(1001), "message_too_large"))).details).toEqual({
        bytes: 1001,
        limit: 1000,
      });
      expect(await within(2000, generate(1000))).toMatchObject({ tensor: { shape: [1000] } });
    } finally {
      channel.fail(new Error("done"));
    }
  });

  it("costs whoever sends it all the same its connection, and nobody else theirs", { timeout: 20_000 }, async () => {
    await using glip = await connect(worker.endpoint, { transport });
    await using hostile = await connectRaw(openers[transport], worker);
    const hello = { protocol: 1, schema: schemaHash, sdk: "0.1.0", max_frame_bytes: limit, shared_memory: null };
    await within(5000, hostile.call(...encodeMessage({ kind: "hello", id: 1, ...hello })));
    const tensor = Tensor.zeros("uint8", [limit + 1]);
    const request = { kind: "request", id: 2, method: "diagnostics.echo", deadline_ms: null, credit: null } as const;
    await hostile.transport.send(encodeMessage({ ...request, params: { value: tensor } })).catch(() => {});
    expect(await within(5000, hostile.down)).toMatchObject({ code: "connection_lost" });
    expect(await within(5000, glip.call("diagnostics.echo", { value: 1 }))).toEqual({ value: 1 });
    expect(worker.process.exitCode).toBeNull();
  });

  it(
    "ends the connection of a client whose worker sends it all the same, with a reason",
    { timeout: 10_000 },
    async () => {
      await using peer = await fakeWorker(({ kind, id }, send) => {
        if (kind === "request") send(header({ kind: "result", id, value: "x".repeat(5000) }));
      });
      let down: (error: Error) => void = () => {};
      const lost = new Promise<Error>((resolve) => (down = resolve));
      const channel = await Channel.open({
        endpoint: peer.endpoint,
        transport,
        sdk: "0.1.0",
        maxFrameBytes: 4000,
        onDown: down,
      });
      await channel.hello();
      const call = channel.call("mine.large", {});
      const error = await within(5000, lost);
      expect(error).toMatchObject({
        code: "connection_lost",
        message: expect.stringMatching(/over the limit|at most 4000/) as string,
      });
      channel.fail(error);
      await within(1000, failure(call, "connection_lost"));
    },
  );
});

describe("too many tensors for one message", () => {
  it("are refused with the number of their request", { timeout: 10_000 }, async () => {
    await using glip = await connect(worker.endpoint);
    const tensors = (count: number): Tensor[] => Array.from({ length: count }, () => Tensor.zeros("uint8", [1]));
    const refused = glip.call("diagnostics.echo", { value: tensors(4096) });
    expect((await within(5000, failure(refused, "invalid_message"))).message).toContain("at most 4096");
    const { value } = await within(5000, glip.call("diagnostics.echo", { value: tensors(4095) }));
    expect((value as Tensor[]).length).toBe(4095);
  });
});
