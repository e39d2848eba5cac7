import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decodeMessage, encodeMessage, noSegments } from "../../src/bridge/codec.ts";
import { connect } from "../../src/launch.ts";
import { type ClientMessage, protocolVersion, type WorkerMessage } from "../../src/protocol/messages.ts";
import { schemaHash } from "../../src/protocol/schema-hash.ts";
import { type Connection, connect as connectRaw, within } from "../support/connection.ts";
import { fakeWorker } from "../support/fake-worker.ts";
import { failure } from "../support/faults.ts";
import { type BareWorker, openers, startWorker, transports } from "../support/worker.ts";

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker({ torch: false });
});
afterAll(() => worker[Symbol.asyncDispose]());

const hello = {
  kind: "hello",
  id: 1,
  protocol: protocolVersion,
  schema: schemaHash,
  sdk: "0.1.0",
  max_frame_bytes: 2 ** 20,
  shared_memory: null,
} as const;
const request = {
  kind: "request",
  id: 9,
  method: "diagnostics.echo",
  params: { value: 1 },
  deadline_ms: null,
  credit: null,
} as const;

async function ask(client: Connection, message: ClientMessage): Promise<WorkerMessage> {
  await client.transport.send(encodeMessage(message));
  return answer(client);
}

/** The next message that is no probe. */
async function answer(client: Connection): Promise<WorkerMessage> {
  const { message } = decodeMessage(await within(5000, client.receive()), noSegments);
  return message.kind === "probe" ? answer(client) : message;
}

const mismatch = (id: number, field: string, expected: string, received: string): object => ({
  kind: "error",
  id,
  code: "protocol_mismatch",
  details: { field, expected, received },
  message: expect.stringContaining(`${field}: expected ${expected}, got ${received}`) as string,
});

describe.each(transports)("%s: the worker", (transport) => {
  it("refuses another protocol or schema, by name, and lets the client try again", { timeout: 10_000 }, async () => {
    await using client = await connectRaw(openers[transport], worker);
    expect(await ask(client, { ...hello, protocol: 99 })).toMatchObject(mismatch(1, "protocol", "1", "99"));
    const schema = "ab".repeat(32);
    expect(await ask(client, { ...hello, id: 2, schema })).toMatchObject(mismatch(2, "schema", schemaHash, schema));
    expect(await ask(client, { ...hello, id: 3 })).toMatchObject({
      kind: "ready",
      id: 3,
      schema: schemaHash,
      pid: worker.pid,
    });
  });

  it("refuses everything but a ping before hello", { timeout: 10_000 }, async () => {
    await using client = await connectRaw(openers[transport], worker);
    const early = (name: string, id: number): object => mismatch(id, "hello", "an accepted hello first", name);
    expect(await ask(client, request)).toMatchObject(early("request", 9));
    expect(await ask(client, { kind: "cancel", id: 9 })).toMatchObject(early("cancel", 9));
    expect(await ask(client, { kind: "credit", id: 9, events: 1 })).toMatchObject(early("credit", 9));
    expect(await ask(client, { kind: "release", segments: [] })).toMatchObject(early("release", 0));
    expect(await ask(client, { kind: "ping", id: 5 })).toEqual({ kind: "pong", id: 5 });
    await ask(client, hello);
    expect(await ask(client, request)).toMatchObject({ kind: "result", id: 9 });
  });

  it("refuses a second hello and goes on with the first", { timeout: 10_000 }, async () => {
    await using client = await connectRaw(openers[transport], worker);
    await ask(client, hello);
    expect(await ask(client, { ...hello, id: 2 })).toMatchObject({ kind: "error", id: 2, code: "invalid_message" });
    expect(await ask(client, request)).toMatchObject({ kind: "result", id: 9 });
  });

  it("refuses a second request of the same number without ending the first", { timeout: 10_000 }, async () => {
    await using client = await connectRaw(openers[transport], worker);
    await ask(client, hello);
    const slow = { ...request, method: "diagnostics.count", params: { steps: 1, pause_ms: 300 } };
    await client.transport.send(encodeMessage(slow));
    expect(await ask(client, slow)).toMatchObject({ kind: "error", id: 0, code: "invalid_message" });
    expect(await answer(client)).toEqual({ kind: "result", id: 9, value: { steps: 1 } });
  });

  it("shares no memory in a folder that it cannot trust", { timeout: 10_000 }, async () => {
    for (const folder of ["/tmp", "/nonexistent", "relative", "", "/dev/shm\n"]) {
      await using client = await connectRaw(openers[transport], worker);
      expect(await ask(client, { ...hello, shared_memory: folder })).toMatchObject({
        kind: "ready",
        shared_memory: false,
      });
    }
  });
});

describe.each(transports)("%s: the client", (transport) => {
  const attempt = async (ready: Record<string, unknown>) => {
    await using peer = await fakeWorker(() => {}, ready);
    return await within(2000, failure(connect(peer.endpoint, { transport }), "protocol_mismatch"));
  };

  it("refuses a worker of another protocol or schema, by name", { timeout: 10_000 }, async () => {
    const protocol = await attempt({ protocol: 2 });
    expect(protocol.details).toEqual({ field: "protocol", expected: "1", received: "2" });
    expect(protocol.message).toContain("install the same version on both sides");
    const schema = await attempt({ schema: "other" });
    expect(schema.details).toEqual({ field: "schema", expected: schemaHash, received: "other" });
  });

  it("refuses a worker whose ready does not fit", { timeout: 10_000 }, async () => {
    await using peer = await fakeWorker(() => {}, { pid: "none" });
    const error = await within(2000, failure(connect(peer.endpoint, { transport }), "invalid_message"));
    expect(error.message).toContain("pid: Invalid input");
  });
});
