import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Packr } from "msgpackr";
import { describe, expect, it } from "vitest";
import { Channel } from "../../src/bridge/channel.ts";
import { connect } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { fakeWorker, readyMessage } from "../support/fake-worker.ts";
import { fixturesOf, mutate } from "../support/mutate.ts";
import { extension, header } from "../support/raw-message.ts";
import { memoryOf, transports } from "../support/worker.ts";

const messages = 10_000;
const perCall = 10;
const MiB = 2 ** 20;
const fixtures = fixturesOf("worker");
const packr = new Packr({ useRecords: false });

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

describe.each(transports)("%s: a client that is sent whatever", (transport) => {
  it(`lives through ${messages} broken messages and gets every good answer`, { timeout: 60_000 }, async () => {
    let seed = 0;
    let broken = false;
    await using peer = await fakeWorker(({ kind, id, params }, send) => {
      if (kind !== "request") return;
      for (let count = 0; broken && count < perCall; count++) send(...mutate(fixtures, seed++, 2000));
      send(header({ kind: "result", id, value: params?.["number"] }));
    });
    const warnings: string[] = [];
    const log = (): void => {};
    const logger = { error: log, warn: (text: string) => void warnings.push(text), info: log, debug: log };
    const downs: Error[] = [];
    const channel = await Channel.open({
      endpoint: peer.endpoint,
      transport,
      sdk: "0.1.0",
      logger,
      onDown: (error) => void downs.push(error),
    });
    try {
      await within(2000, channel.hello());
      // Numbers that the fixtures' messages, right as some are, do not name by chance.
      for (let number = 0; number < 300; number++) await channel.call("mine.echo", { number });
      broken = true;
      let before = 0;
      for (let number = 0; number < messages / perCall; number++) {
        expect(await within(5000, channel.call("mine.echo", { number }))).toBe(number);
        if (number === 200) before = memory();
      }
      expect(seed).toBe(messages);
      expect(memory() - before).toBeLessThan(30 * MiB);
      expect(channel.pending).toBe(0);
      // A mutated message may still be a right one: a goodbye ends nothing before the connection ends.
      expect(downs.every((error) => error.message.startsWith("The worker is closing"))).toBe(true);
      expect(warnings.length).toBeGreaterThan(messages / 2);
      const known = /does not fit the protocol: |^dropped an? |^worker: |^shared memory segment/;
      expect(warnings.filter((text) => !known.test(text))).toEqual([]);
    } finally {
      channel.fail(new Error("done"));
    }
  });

  const inFrame = (...payload: unknown[]): unknown => extension(0x54, packr.pack(payload));
  const answers: [what: string, answer: (id: number) => Uint8Array[], message: string][] = [
    ["without a value", (id) => [header({ kind: "result", id })], "Invalid"],
    ["with a field too many", (id) => [header({ kind: "result", id, value: 1, more: 1 })], "Unrecognized key"],
    ["of another kind", (id) => [header({ kind: "pong", id })], "a pong answers mine.method, expected a result"],
    ["of no kind", (id) => [header({ id, value: 1 })], "kind: Invalid"],
    ["with a second ready", (id) => [header({ ...readyMessage, id })], "a ready answers mine.method"],
    ["with an odd error", (id) => [header({ kind: "error", id, code: 5, message: "x", details: {} })], "code: Invalid"],
    ["with an odd event", (id) => [header({ kind: "event", id, seq: -1, value: 1 })], "seq: Too small"],
    [
      "with a tensor whose frame is missing",
      (id) => [header({ kind: "result", id, value: inFrame("int8", [1], 0) })],
      "refers to buffer frame 0 of 0",
    ],
    [
      "with a tensor of no dtype",
      (id) => [header({ kind: "result", id, value: inFrame("int9", [1], 0) }), new Uint8Array(1)],
      "unknown dtype int9",
    ],
    [
      "with a tensor of another size",
      (id) => [header({ kind: "result", id, value: inFrame("int8", [2], 0) }), new Uint8Array(1)],
      "needs 2 bytes, its frame has 1",
    ],
    [
      "with a tensor in a segment",
      (id) => [header({ kind: "result", id, value: extension(0x53, packr.pack(["int8", [1], "w-0", 0])) })],
      "this connection does not use",
    ],
  ];
  it("rejects the call that a broken answer names, and only that one", { timeout: 20_000 }, async () => {
    let answer: (id: number) => Uint8Array[] = () => [];
    let waiting = 0;
    await using peer = await fakeWorker(({ kind, id, method }, send) => {
      if (kind !== "request") return;
      if (method === "mine.other") waiting = id;
      else {
        send(...answer(id));
        send(header({ kind: "result", id: waiting, value: "fine" }));
      }
    });
    await using glip = await connect(peer.endpoint, { transport, sharedMemory: false });
    for (const [what, make, message] of answers) {
      answer = make;
      const other = glip.call("mine.other");
      const refused = { code: "invalid_message", message: expect.stringContaining(message) as string };
      await expect(within(1000, glip.call("mine.method")), what).rejects.toMatchObject(refused);
      expect(await within(1000, other), what).toBe("fine");
    }
  });

  it("refuses results and events that do not fit what is declared", { timeout: 10_000 }, async () => {
    await using peer = await fakeWorker(({ kind, id, params }, send) => {
      if (kind !== "request") return;
      if (params?.["steps"] === 1) send(header({ kind: "event", id, seq: 0, value: { step: "one" } }));
      send(header({ kind: "result", id, value: { steps: "many" } }));
    });
    await using glip = await connect(peer.endpoint, { transport, sharedMemory: false });
    const result = { code: "invalid_message", message: expect.stringContaining("result.steps") as string };
    await expect(within(1000, glip.call("diagnostics.count", { steps: 0, pause_ms: 0 }))).rejects.toMatchObject(result);
    const event = { code: "invalid_message", message: expect.stringContaining("event.step") as string };
    const stream = glip.stream("diagnostics.count", { steps: 1, pause_ms: 0 });
    await expect(within(1000, stream.result)).rejects.toMatchObject(event);
  });
});

function memory(): number {
  collectGarbage();
  return memoryOf(process.pid) ?? 0;
}
