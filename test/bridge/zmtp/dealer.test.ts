import { describe, expect, it } from "vitest";
import { concat } from "../../../src/bridge/zmtp/commands.ts";
import { openZmtp } from "../../../src/bridge/zmtp/dealer.ts";
import { bytes, connect, pattern, same, within } from "../../support/connection.ts";
import { command, fakePeer, frame, greeting, opening, proxy, readyCommand } from "../../support/fake-peer.ts";
import { startRouter } from "../../support/router.ts";

const bound = { timeout: 10_000 };

describe("a stream that comes in pieces", () => {
  const cuts: [string, (chunk: Uint8Array) => Uint8Array[]][] = [
    ["byte by byte", (chunk) => Array.from(chunk, (byte) => Uint8Array.of(byte))],
    ["at random", cutAtRandom],
  ];
  it.each(cuts.flatMap(([name, cut]) => [false, true].map((curve) => [name, curve, cut] as const)))(
    "is understood %s (CURVE: %s)",
    { timeout: 20_000 },
    async (_, curve, cut) => {
      const router = await startRouter({ scheme: "tcp", curve });
      await using middle = await proxy(router.endpoint, cut);
      await using connection = await connect(
        openZmtp,
        { endpoint: middle.endpoint, curve: router.curve },
        { handshakeTimeoutMs: 5000 },
      );
      const frames = [0, 1, 255, 256, 3000].map((size) => pattern(size, size));
      for (let count = 0; count < 3; count++) {
        const back = await within(8000, connection.call(...frames));
        expect(back.map((body, index) => same(body, frames[index] ?? body))).toEqual(frames.map(() => true));
      }
      await router.stop();
    },
  );
});

describe("a tampering peer in between", () => {
  it.each([
    [
      "changes a byte",
      (chunk: Uint8Array) => [chunk.map((byte, index) => (index === chunk.length - 3 ? byte ^ 1 : byte))],
    ],
    ["says everything twice", (chunk: Uint8Array) => [chunk, chunk]],
    ["changes the header", (chunk: Uint8Array) => [chunk.map((byte, index) => (index === 0 ? byte ^ 0x80 : byte))]],
  ])("is found out when it %s", bound, async (_, change) => {
    const router = await startRouter({ scheme: "tcp", curve: true });
    let active = false;
    await using middle = await proxy(router.endpoint, (chunk) => (active ? change(chunk) : [chunk]));
    await using connection = await connect(openZmtp, { endpoint: middle.endpoint, curve: router.curve });
    await within(2000, connection.call("before"));
    active = true;
    await connection.transport.send([bytes("after")]);
    expect(await within(2000, connection.down)).toMatchObject({ code: "connection_lost" });
    await router.stop();
  });

  it("cannot change the handshake either", bound, async () => {
    const router = await startRouter({ scheme: "tcp", curve: true });
    // WELCOME is the first chunk after the greeting that begins a command.
    const change = (chunk: Uint8Array): Uint8Array[] => [
      chunk.map((byte, index) => (chunk[0] === 4 && index === 100 ? byte ^ 1 : byte)),
    ];
    await using middle = await proxy(router.endpoint, change);
    const attempt = connect(openZmtp, { endpoint: middle.endpoint, curve: router.curve });
    await expect(within(2500, attempt)).rejects.toMatchObject({ code: "unauthorized" });
    await router.stop();
  });
});

describe("a peer that is no ZMTP 3 ROUTER", () => {
  it.each([
    ["speaks HTTP", bytes("HTTP/1.1 400 Bad Request\r\n\r\n"), "connection_lost", "does not speak ZMTP"],
    ["speaks ZMTP 2", greeting("NULL", [1, 0]), "connection_lost", "speaks ZMTP 1"],
    ["wants PLAIN", greeting("PLAIN"), "unauthorized", "mechanism is PLAIN"],
    ["is a PUB", concat(greeting(), readyCommand("PUB")), "connection_lost", "the peer is a PUB"],
    ["says ERROR", concat(greeting(), command("ERROR", "\u0004nope")), "unauthorized", "nope"],
    ["sends a message first", concat(greeting(), frame(0, "hi")), "connection_lost", "before the handshake"],
    ["sends reserved flags", concat(greeting(), frame(0x10, "hi")), "connection_lost", "reserved bits"],
    ["sends broken metadata", concat(greeting(), command("READY", "\u0009x")), "connection_lost", "malformed metadata"],
    ["sends an empty command", concat(greeting(), frame(4, "")), "connection_lost", "malformed command"],
    [
      "announces 1 GiB first",
      concat(greeting(), Uint8Array.of(2, 0, 0, 0, 0, 64, 0, 0, 0)),
      "connection_lost",
      "at most 65536",
    ],
  ])("is refused when it %s", bound, async (_, says, code, reason) => {
    await using peer = await fakePeer((socket) => socket.write(says));
    const attempt = within(1000, connect(openZmtp, peer));
    await expect(attempt).rejects.toMatchObject({ code });
    await expect(attempt).rejects.toThrow(reason);
  });
});

describe("a hostile peer, once the connection stands", () => {
  it.each([
    ["a message without end", () => concat(...Array.from({ length: 5000 }, () => frame(1, ""))), "4096 frames"],
    ["frames that add up", () => concat(...Array.from({ length: 5 }, () => frame(1, pattern(1000)))), "4000 bytes"],
    ["ERROR", () => command("ERROR", "\u0000"), "reported an error"],
    ["a malformed PING", () => command("PING", "x"), "malformed PING"],
  ])("is dropped for %s", bound, async (_, attack, reason) => {
    await using peer = await fakePeer((socket) => {
      socket.write(opening());
      setTimeout(() => socket.write(attack()), 50);
    });
    await using connection = await connect(openZmtp, peer, { maxFrameBytes: 1000 });
    const down = await within(2000, connection.down);
    expect(down).toMatchObject({ code: "connection_lost" });
    expect(down.message).toContain(reason);
  });

  it("cannot pile up PONGs that it does not read", { timeout: 20_000 }, async () => {
    const pings = concat(...Array.from({ length: 5000 }, () => command("PING", "\u0000\u0000sixteen bytes ..")));
    await using peer = await fakePeer((socket) => {
      socket.pause();
      socket.write(opening());
      for (let count = 0; count < 100; count++) socket.write(pings);
      socket.write(frame(0, "end"));
    });
    await using connection = await connect(openZmtp, peer);
    await within(15_000, connection.receive());
    expect(connection.downCount()).toBe(0);
  });

  it("is not asked to understand later commands, only to send well-formed ones", bound, async () => {
    await using peer = await fakePeer((socket) =>
      socket.write(concat(opening(), command("LATER", "x"), frame(0, "hi"))),
    );
    await using connection = await connect(openZmtp, peer);
    expect(await within(1000, connection.receive())).toEqual([bytes("hi")]);
  });
});

it("goes down, typed, when a handler throws", bound, async () => {
  await using peer = await fakePeer((socket) => setTimeout(() => socket.write(concat(opening(), frame(0, "hi"))), 20));
  const down = new Promise<Error>((resolve, reject) => {
    const onMessage = (): never => {
      throw new Error("handler broke");
    };
    openZmtp({ endpoint: peer.endpoint }, { onMessage, onDown: resolve }).catch(reject);
  });
  expect(await within(1000, down)).toMatchObject({ code: "connection_lost", cause: { message: "handler broke" } });
});

function cutAtRandom(chunk: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let offset = 0; offset < chunk.length;) {
    const end = offset + 1 + Math.floor(Math.random() * 40);
    pieces.push(chunk.slice(offset, end));
    offset = end;
  }
  return pieces;
}
