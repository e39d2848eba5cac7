/** The ways to call Python, side by side: ours, and what there is instead. */
import { createServer } from "node:net";
import { join } from "node:path";
import { launch, Tensor } from "glip-sdk";
import { Dealer } from "zeromq";
import { expect, fixtures, type Payload, startPython, type Subject } from "./subject.ts";

/** zeromq.js and pyzmq, one frame for the bytes: as fast as a program without the SDK can have it. */
export async function openRaw(python: string, directory: string): Promise<Subject> {
  const endpoint = `ipc://${join(directory, "raw.sock")}`;
  const child = await startPython(python, [join(fixtures, "raw_router.py"), endpoint]);
  const socket = new Dealer({ linger: 0 });
  socket.connect(endpoint);
  const ask = async (...frames: (string | Payload)[]) => {
    await socket.send(frames);
    return socket.receive();
  };
  return {
    name: "raw zeromq",
    pid: child.pid,
    async ping() {
      await ask("ping");
    },
    async up(payload) {
      const [answer] = await ask("up", payload);
      expect(Number.parseInt(String(answer)), payload.byteLength, "raw, up");
    },
    async down(bytes) {
      const [, frame] = await ask("down", String(bytes));
      expect(frame?.byteLength, bytes, "raw, down");
    },
    close() {
      socket.close();
      child.kill("SIGKILL");
    },
  };
}

/** The SDK. `release`: tensors are handed back after use, as the documentation recommends for large ones. */
export async function openSdk(
  python: string,
  transport: "zeromq" | "zmtp",
  home: string,
): Promise<Subject & { downAndRelease(bytes: number): Promise<void> }> {
  const glip = await launch({
    interpreter: python,
    home,
    transport,
    device: "cpu",
    plugins: ["bench_plugin"],
    pythonPath: [fixtures],
  });
  const down = async (bytes: number) => {
    const { tensor } = (await glip.call("bench.down", { bytes })) as { tensor: Tensor<"uint8"> };
    expect(tensor.data[bytes - 1], 1, "glip, down");
    return tensor;
  };
  return {
    name: `glip ${transport}`,
    pid: glip.info.pid,
    async ping() {
      await glip.call("diagnostics.echo", { value: 1 });
    },
    async up(payload) {
      const tensor = new Tensor("uint8", [payload.byteLength], payload);
      const answer = (await glip.call("bench.up", { tensor })) as { bytes: number };
      expect(answer.bytes, payload.byteLength, "glip, up");
    },
    async down(bytes) {
      await down(bytes);
    },
    async downAndRelease(bytes) {
      (await down(bytes)).release();
    },
    close: () => glip.close(),
  };
}

/** An HTTP server of aiohttp, asked by fetch. */
export async function openHttp(python: string): Promise<Subject> {
  const port = await freePort();
  const child = await startPython(python, [join(fixtures, "http_server.py"), String(port)]);
  const base = `http://127.0.0.1:${port}`;
  return {
    name: "http",
    pid: child.pid,
    async ping() {
      await (await fetch(`${base}/ping`)).text();
    },
    async up(payload) {
      const answer = await fetch(`${base}/up`, { method: "POST", body: payload });
      expect(Number.parseInt(await answer.text()), payload.byteLength, "http, up");
    },
    async down(bytes) {
      const body = await (await fetch(`${base}/down/${bytes}`)).arrayBuffer();
      expect(body.byteLength, bytes, "http, down");
    },
    close() {
      child.kill("SIGKILL");
    },
  };
}

interface PythoniaSide {
  pid(): Promise<number>;
  ping(): Promise<number>;
  up(text: string): Promise<number>;
  down(bytes: number): Promise<string>;
}

/** pythonia, with bytes as base64: as JSON lists, which is what it makes of a Buffer by itself, they are slower still. */
export async function openPythonia(interpreter: string): Promise<Subject> {
  // Read when the package is imported, which starts its Python.
  process.env["PYTHON_BIN"] = interpreter;
  const { python } = await import("pythonia");
  const side = (await python(join(fixtures, "pythonia_side.py"))) as PythoniaSide;
  return {
    name: "pythonia",
    pid: await side.pid(),
    async ping() {
      await side.ping();
    },
    async up(payload) {
      expect(await side.up(Buffer.from(payload.buffer).toString("base64")), payload.byteLength, "pythonia, up");
    },
    async down(bytes) {
      expect(Buffer.from(await side.down(bytes), "base64").byteLength, bytes, "pythonia, down");
    },
    close() {
      (python as unknown as { exit(): void }).exit();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve((address as { port: number }).port));
    });
  });
}
