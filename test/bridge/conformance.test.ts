import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openNative } from "../../src/bridge/native.ts";
import type { OpenTransport } from "../../src/bridge/transport.ts";
import { generateCurveKeys } from "../../src/bridge/curve-keys.ts";
import { openZmtp } from "../../src/bridge/zmtp/dealer.ts";
import { bytes, connect, pattern, same, within } from "../support/connection.ts";
import { startRouter, type Router, type RouterOptions } from "../support/router.ts";

const transports: [name: string, open: OpenTransport][] = [
  ["zeromq", openNative],
  ["zmtp", openZmtp],
];
const links: [name: string, options: RouterOptions][] = [
  ["ipc, NULL", { scheme: "ipc" }],
  ["ipc, CURVE", { scheme: "ipc", curve: true }],
  ["tcp, CURVE", { scheme: "tcp", curve: true }],
];

for (const [name, open] of transports) {
  for (const [link, routerOptions] of links) {
    describe(`${name} over ${link}`, () => {
      let router: Router;
      beforeAll(async () => {
        router = await startRouter(routerOptions);
      });
      afterAll(() => router.stop());

      it("brings frames of every size back as they were", { timeout: 20_000 }, async () => {
        await using connection = await connect(open, router);
        for (const size of [0, 1, 2, 127, 128, 129, 222, 223, 254, 255, 256, 8192, 8193, 65536, 10_000_000]) {
          const content = pattern(size, size);
          const [header, body] = await within(5000, connection.call("x", content));
          expect(header).toEqual(bytes("x"));
          expect(same(body, content), `${size} bytes`).toBe(true);
          expect(Buffer.isBuffer(body)).toBe(false);
        }
      });

      it("keeps the frames of a message apart and in order", { timeout: 20_000 }, async () => {
        await using connection = await connect(open, router);
        for (let count = 1; count <= 100; count++) {
          const frames = Array.from({ length: count }, (_, index) => pattern((index * 997) % 20_000, index));
          const back = await within(5000, connection.call(...frames));
          expect(back.length).toBe(count);
          expect(back.every((frame, index) => same(frame, frames[index] ?? frame))).toBe(true);
        }
      });

      it("hands out frames that are aligned and nobody else's", { timeout: 10_000 }, async () => {
        await using connection = await connect(open, router);
        const frames = await within(
          5000,
          connection.call(...[1, 8, 127, 128, 129, 1000, 100_000].map((size) => pattern(size))),
        );
        const buffers = new Set(frames.map((frame) => frame.buffer));
        expect(buffers.size).toBe(frames.length);
        expect(frames.map((frame) => frame.byteOffset % 8)).toEqual(frames.map(() => 0));
      });

      it("keeps 1,000 concurrent sends in order", { timeout: 10_000 }, async () => {
        await using connection = await connect(open, router);
        const numbers = Array.from({ length: 1000 }, (_, index) => String(index));
        const sends = numbers.map((number) => connection.transport.send([bytes(number), pattern(Number(number) * 10)]));
        await within(8000, Promise.all(sends));
        const received: string[] = [];
        for (const _ of numbers)
          received.push(Buffer.from((await within(5000, connection.receive()))[0] ?? []).toString());
        expect(received).toEqual(numbers);
      });

      it("takes a flood and then still answers", { timeout: 15_000 }, async () => {
        await using connection = await connect(open, router);
        await connection.transport.send([bytes("!flood"), bytes("100")]);
        for (let count = 0; ; count++) {
          const [frame] = await within(5000, connection.receive());
          if (frame?.length === 4) break;
          expect(frame?.length, `message ${count}`).toBe(1_000_000);
        }
        expect(await within(2000, connection.call("still here"))).toEqual([bytes("still here")]);
      });
    });
  }

  describe(`${name}: limits and loss`, () => {
    it("stops taking messages when the peer stops reading", { timeout: 20_000 }, async () => {
      await using router = disposable(await startRouter({ highWaterMark: 16 }));
      await using connection = await connect(open, router, { heartbeatTimeoutMs: 10_000 });
      await connection.transport.send([bytes("!pause"), bytes("2500")]);
      const payload = new Uint8Array(1_000_000);
      const before = process.memoryUsage().rss;
      let taken = 0;
      const sending = (async () => {
        for (; taken < 400; taken++) await connection.transport.send([payload]);
      })();
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(taken).toBeLessThan(200);
      expect(process.memoryUsage().rss - before).toBeLessThan(300_000_000);
      await within(10_000, sending);
      for (let count = 0; count < 400; count++) await within(5000, connection.receive());
    });

    it("goes down on a frame over the limit", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router, { maxFrameBytes: 1000 });
      await connection.transport.send([bytes("!frames"), bytes("1"), bytes("1000")]);
      expect((await within(2000, connection.receive()))[0]?.length).toBe(1000);
      await connection.transport.send([bytes("!frames"), bytes("1"), bytes("1001")]);
      expect(await within(2000, connection.down)).toMatchObject({ code: "connection_lost" });
      await expect(connection.transport.send([bytes("late")])).rejects.toMatchObject({ code: "connection_lost" });
    });

    it.each(links)("notices a killed peer at once (%s)", { timeout: 10_000 }, async (_, options) => {
      await using router = disposable(await startRouter(options));
      await using connection = await connect(open, router);
      await within(2000, connection.call("x"));
      process.kill(router.pid, "SIGKILL");
      expect(await within(500, connection.down)).toMatchObject({
        code: "connection_lost",
        details: { endpoint: router.endpoint },
      });
      expect(connection.downCount()).toBe(1);
    });

    it.each(["!exit", "!close"])("notices a peer that hangs up (%s)", { timeout: 10_000 }, async (command) => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router);
      await connection.transport.send([bytes(command)]);
      expect(await within(1000, connection.down)).toMatchObject({ code: "connection_lost" });
    });

    it.each(links)("notices a stopped peer (%s)", { timeout: 10_000 }, async (_, options) => {
      await using router = disposable(await startRouter(options));
      await using connection = await connect(open, router, { heartbeatIntervalMs: 200, heartbeatTimeoutMs: 600 });
      await within(2000, connection.call("x"));
      await connection.transport.send([bytes("!stop")]);
      expect(await within(600 + 1500, connection.down)).toMatchObject({ code: "connection_lost" });
    });

    it("does not take its own busy event loop for a silent peer", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router, { heartbeatIntervalMs: 100, heartbeatTimeoutMs: 300 });
      const end = Date.now() + 1500;
      while (Date.now() < end);
      await new Promise((resolve) => setTimeout(resolve, 500));
      expect(connection.downCount()).toBe(0);
      expect(await within(2000, connection.call("x"))).toEqual([bytes("x")]);
    });

    it("lives through minutes of nothing to do, seen in small", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router, { heartbeatIntervalMs: 50, heartbeatTimeoutMs: 150 });
      await new Promise((resolve) => setTimeout(resolve, 1500));
      expect(await within(2000, connection.call("x"))).toEqual([bytes("x")]);
    });

    it("delivers what came before the end", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router);
      await connection.transport.send([bytes("!messages"), bytes("500")]);
      await connection.transport.send([bytes("!frames"), bytes("1"), bytes("9")]);
      for (let index = 0; index <= 500; index++) await within(2000, connection.receive());
    });

    it("closes twice, says nothing more, and refuses sends", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      const connection = await connect(open, router);
      connection.transport.close();
      connection.transport.close();
      process.kill(router.pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect(connection.downCount()).toBe(0);
      await expect(connection.transport.send([bytes("x")])).rejects.toMatchObject({ code: "worker_closed" });
    });

    it("refuses a message without frames", { timeout: 10_000 }, async () => {
      await using router = disposable(await startRouter());
      await using connection = await connect(open, router);
      await expect(connection.transport.send([])).rejects.toMatchObject({ code: "invalid_argument" });
    });
  });

  describe(`${name}: opening`, () => {
    const stranger = generateCurveKeys();
    let secured: Router;
    let open1: Router;
    beforeAll(async () => {
      secured = await startRouter({ scheme: "tcp", curve: true });
      open1 = await startRouter({ scheme: "tcp" });
    });
    afterAll(() => Promise.all([secured.stop(), open1.stop()]));

    it.each([
      [
        "the server has another key",
        () => ({ ...secured, curve: { ...secured.curve, serverKey: stranger.publicKey } }),
      ],
      ["the server does not know the client", () => ({ ...secured, curve: { ...secured.curve, ...stranger } })],
      ["the client has no key", () => ({ ...secured, curve: undefined })],
      ["the server has no key", () => ({ ...open1, curve: secured.curve })],
    ])("is unauthorized when %s", { timeout: 5000 }, async (_, target) => {
      const opening = connect(open, target() as Router);
      await expect(within(2500, opening)).rejects.toMatchObject({ code: "unauthorized" });
    });

    it.each([
      ["ipc", `ipc://${join(tmpdir(), "glip-nobody-is-here")}`],
      ["tcp", "tcp://127.0.0.1:9"],
    ])("is refused at once when nobody is there (%s)", { timeout: 5000 }, async (_, endpoint) => {
      const opening = connect(open, { endpoint, curve: undefined });
      await expect(within(1000, opening)).rejects.toMatchObject({ code: "connection_refused", details: { endpoint } });
    });

    it.each([
      ["NULL", false, "connection_lost"],
      ["CURVE", true, name === "zmtp" ? "connection_lost" : "unauthorized"],
    ])("gives up on a server that never speaks (%s)", { timeout: 5000 }, async (_, curve, code) => {
      const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
      await once(server, "listening");
      const endpoint = `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const opening = connect(
        open,
        { endpoint, curve: curve ? secured.curve : undefined },
        { handshakeTimeoutMs: 400 },
      );
      await expect(within(1000, opening)).rejects.toMatchObject({ code });
      server.close();
    });

    it.each([
      [{ endpoint: "http://x" }, "options.endpoint"],
      [{ endpoint: "tcp://host:99999" }, "options.endpoint"],
      [{ maxFrameBytes: 0.5 }, "options.maxFrameBytes"],
      [{ curve: { serverKey: "short", publicKey: "", secretKey: "" } }, "options.curve.serverKey"],
    ])("names the option that does not fit: %o", { timeout: 5000 }, async (options, path) => {
      await expect(connect(open, secured, options)).rejects.toMatchObject({
        code: "invalid_argument",
        details: { path },
      });
    });
  });
}

function disposable(router: Router): Router & AsyncDisposable {
  return { ...router, [Symbol.asyncDispose]: () => router.stop() };
}
