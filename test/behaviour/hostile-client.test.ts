import { Unpackr } from "msgpackr";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeMessage } from "../../src/bridge/codec.ts";
import { isGlipError } from "../../src/errors.ts";
import { connect } from "../../src/launch.ts";
import { clientMessages } from "../../src/protocol/messages.ts";
import { schemaHash } from "../../src/protocol/schema-hash.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { connect as connectRaw, within } from "../support/connection.ts";
import { fixturesOf, mutate } from "../support/mutate.ts";
import { type BareWorker, openers, startWorker, transports } from "../support/worker.ts";

const messages = 10_000;
const batch = 100;
const MiB = 2 ** 20;

let worker: BareWorker;
beforeAll(async () => {
  worker = await startWorker();
});
afterAll(() => worker[Symbol.asyncDispose]());

const fixtures = fixturesOf("client");
const unpackr = new Unpackr({ useRecords: false, int64AsType: "auto" as "number" });

describe.each(transports)("%s: a worker that is sent whatever", (transport) => {
  it(`lives through ${messages} broken messages, answers each, and serves others`, { timeout: 60_000 }, async () => {
    // Large enough for every answer, small enough that nothing asked for by chance takes long.
    const limits = { max_frame_bytes: 4 * MiB, shared_memory: null };
    await using hostile = await connectRaw(openers[transport], worker);
    const hello = { kind: "hello", id: 1, protocol: 1, schema: schemaHash, sdk: "0.1.0", ...limits } as const;
    await within(5000, hostile.call(...encodeMessage(hello)));
    await using good = await connect(worker.endpoint, { transport });
    const tensor = Tensor.from("float32", [1, 2, 3]);

    let answers = 0;
    let expected = 0;
    let before = 0;
    for (let start = 0; start < messages; start += batch) {
      const calls = [1, 2, 3].map((number) => good.call("diagnostics.echo", { value: { number, tensor } }));
      const ids = new Set<number>();
      for (let seed = start; seed < start + batch; seed++) {
        const frames = mutate(fixtures, seed);
        await hostile.transport.send(frames);
        const said = parse(frames);
        if (frames.length > 1 || !isQuiet(said)) expected++;
        const id = (said as { id?: unknown } | undefined)?.id;
        if (typeof id === "number" && Number.isInteger(id) && id > 0 && id < 2 ** 32) ids.add(id);
      }
      // What happens to be a real request must not keep the worker busy: that would be its right.
      for (const id of ids) await hostile.transport.send(encodeMessage({ kind: "cancel", id }));
      answers += await answersUntilIdle(hostile);
      const values = await within(10_000, Promise.all(calls));
      expect(values.map(({ value }) => (value as { number: number }).number)).toEqual([1, 2, 3]);
      if (start === 2000) before = worker.memory() ?? 0;
    }

    expect(answers).toBe(expected);
    expect((worker.memory() ?? 0) - before).toBeLessThan(20 * MiB);
    expect(worker.process.exitCode).toBeNull();
    expect(worker.log()).toContain("warning glip_worker.reception: a client's message was refused: ");
    expect(worker.log()).not.toContain("Traceback");
    expect(worker.log().length).toBeLessThan(100_000);
    expect(hostile.downCount()).toBe(0);
  });

  it("is told what is wrong, by the number of its request", { timeout: 10_000 }, async () => {
    await using good = await connect(worker.endpoint, { transport });
    const outcome = await good.call("no.such.method").catch((error: unknown) => error);
    expect(isGlipError(outcome, "unknown_method") && outcome.details).toMatchObject({ method: "no.such.method" });
    const wrong = await good.call("diagnostics.count", { steps: 1 } as never).catch((error: unknown) => error);
    expect(isGlipError(wrong, "invalid_argument")).toBe(true);
  });
});

/** Answers (not events, probes and pongs) that come until everything that was sent has been dealt with. */
async function answersUntilIdle(hostile: Awaited<ReturnType<typeof connectRaw>>): Promise<number> {
  // The ping is answered when all has been received, the request when all has been computed.
  const marks = [4_000_000_001, 4_000_000_002] as const;
  await hostile.transport.send(encodeMessage({ kind: "ping", id: marks[0] }));
  await hostile.transport.send(
    encodeMessage({
      kind: "request",
      id: marks[1],
      method: "diagnostics.echo",
      params: { value: 1 },
      deadline_ms: null,
      credit: null,
    }),
  );
  let answers = 0;
  for (const open = new Set<unknown>(marks); open.size > 0;) {
    const [header = new Uint8Array()] = await within(10_000, hostile.receive());
    const { kind, id } = readHead(header);
    if (kind === "event" || kind === "probe") continue;
    if (!open.delete(id)) answers++;
  }
  return answers;
}

function readHead(header: Uint8Array): { kind: unknown; id: unknown } {
  const text = Buffer.from(header).toString("latin1");
  const kind = /kind[\xa0-\xbf]([a-z]+)/.exec(text)?.[1];
  const at = text.indexOf("\xa2id") + 3;
  const view = new DataView(header.buffer, header.byteOffset);
  const type = header[at] ?? 0;
  const id =
    type < 0x80
      ? type
      : type === 0xcc
        ? view.getUint8(at + 1)
        : type === 0xcd
          ? view.getUint16(at + 1)
          : view.getUint32(at + 1);
  return { kind, id };
}

function parse(frames: Uint8Array[]): unknown {
  try {
    return unpackr.unpack(frames[0] ?? new Uint8Array());
  } catch {
    return undefined;
  }
}

/** Whether the worker has nothing to say to it, when it comes without buffers. */
function isQuiet(said: unknown): boolean {
  return [clientMessages.cancel, clientMessages.credit, clientMessages.release].some(
    (schema) => schema.safeParse(said).success,
  );
}
