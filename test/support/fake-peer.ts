import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { concat, encodeCommand } from "../../src/bridge/zmtp/commands.ts";
import { headerBytes, writeHeader } from "../../src/bridge/zmtp/frames.ts";
import { parseEndpoint } from "../../src/bridge/options.ts";
import { bytes } from "./connection.ts";

/** A server at a local socket that does with each connection what the test says. */
export interface FakePeer extends AsyncDisposable {
  endpoint: string;
  curve: undefined;
}

export async function fakePeer(onConnection: (socket: Socket) => void): Promise<FakePeer> {
  const folder = await mkdtemp(join(tmpdir(), "glip-fake-"));
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    onConnection(socket);
  });
  server.listen(join(folder, "socket"));
  await once(server, "listening");
  return {
    endpoint: `ipc://${folder}/socket`,
    curve: undefined,
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/**
 * A server in between: what the router sends goes through `change`, which returns the pieces to hand on, one turn of
 * the event loop each.
 */
export function proxy(endpoint: string, change: (chunk: Uint8Array) => Uint8Array[]): Promise<FakePeer> {
  return fakePeer((client) => {
    const upstream = connect(parseEndpoint(endpoint));
    upstream.on("error", () => client.destroy());
    client.pipe(upstream);
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.end());
    let last = Promise.resolve();
    upstream.on("data", (chunk: Uint8Array) => {
      for (const piece of change(chunk)) {
        last = last.then(async () => {
          client.write(piece);
          await new Promise((resolve) => setImmediate(resolve));
        });
      }
    });
  });
}

export function greeting(mechanism = "NULL", version = [3, 1]): Uint8Array {
  const whole = new Uint8Array(64);
  whole.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, ...version]);
  whole.set(bytes(mechanism), 12);
  return whole;
}

export function frame(flags: number, body: Uint8Array | string): Uint8Array {
  const content = bytes(body);
  const whole = new Uint8Array(headerBytes(content.length) + content.length);
  whole.set(content, writeHeader(whole, 0, flags, content.length));
  return whole;
}

export function command(name: string, data: Uint8Array | string = ""): Uint8Array {
  return frame(4, encodeCommand(name, bytes(data)));
}

/** READY with one property. */
export function readyCommand(socketType = "ROUTER"): Uint8Array {
  const data = concat(
    Uint8Array.of(11),
    bytes("Socket-Type"),
    Uint8Array.of(0, 0, 0, socketType.length),
    bytes(socketType),
  );
  return command("READY", data);
}

/** All that a peer says until messages may travel, over NULL. */
export function opening(): Uint8Array {
  return concat(greeting(), readyCommand());
}
