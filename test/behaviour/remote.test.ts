import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { generateCurveKeys } from "../../src/bridge/curve-keys.ts";
import { pythonSource } from "../../src/environment/home.ts";
import { connect } from "../../src/launch.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { workerEnvironment } from "../../src/worker/environment-variables.ts";
import { readClientKeys, readWorkerKeys, writeKeys } from "../../src/worker/keys.ts";
import { serve, type Server } from "../../src/worker/serve.ts";
import { testPython } from "../support/python.ts";

const directory = mkdtempSync(join(tmpdir(), "glip-remote-"));
const paths = writeKeys(directory, "client");
let server: Server;

async function start(bind: string): Promise<Server> {
  return serve({
    bind,
    keys: readWorkerKeys(paths.worker),
    command: [await testPython(), "-m", "glip_worker"],
    env: workerEnvironment({ pythonSource, bytecode: join(directory, "bytecode") }),
    logDirectory: undefined,
    onLogLine: () => {},
    settings: {
      sdk: "0.0.0",
      device: "cpu",
      engine: "none",
      engine_options: {},
      plugins: [],
      python_path: [],
      threads: 1,
    },
  });
}

beforeAll(async () => {
  server = await start("tcp://127.0.0.1:0");
});
afterAll(async () => {
  await server.close();
  rmSync(directory, { recursive: true });
});

describe.each(["zeromq", "zmtp"] as const)("a worker for clients of other hosts, over %s", (transport) => {
  it("serves a client with the right keys, large tensors included", { timeout: 10_000 }, async () => {
    await using glip = await connect(server.endpoint, { keys: paths.client, transport });
    const tensor = Tensor.from(
      "float32",
      Array.from({ length: 1_000_000 }, (_, index) => index % 7),
    );
    const { value } = await glip.call("diagnostics.echo", { value: tensor });
    expect(tensor.equals(value as Tensor)).toBe(true);
    expect(glip.info.shared_memory).toBe(false);
  });

  it("serves two clients at once, and one that leaves does not disturb the other", { timeout: 10_000 }, async () => {
    const open = () => connect(server.endpoint, { keys: paths.client, transport });
    const [one, two] = await Promise.all([open(), open()]);
    const running = two.call("diagnostics.count", { steps: 5, pause_ms: 50 });
    await one.close();
    await expect(running).resolves.toEqual({ steps: 5 });
    await two.close();
  });

  it("refuses a client without one of its keys within 2 s", { timeout: 2_000 }, async () => {
    const keys = { ...readClientKeys(paths.client), ...generateCurveKeys() };
    await expect(connect(server.endpoint, { keys, transport })).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("refuses to talk to a worker that is not the one the keys name within 3 s", { timeout: 3_000 }, async () => {
    const keys = { ...readClientKeys(paths.client), serverKey: generateCurveKeys().publicKey };
    await expect(connect(server.endpoint, { keys, transport })).rejects.toMatchObject({ code: "unauthorized" });
  });

  it("says that nobody is there", { timeout: 3_000 }, async () => {
    const refused = connect("tcp://127.0.0.1:9", { keys: paths.client, transport });
    await expect(refused).rejects.toMatchObject({
      code: "connection_refused",
      details: { endpoint: "tcp://127.0.0.1:9" },
    });
  });

  it("is not connected to when the signal is aborted already", { timeout: 5_000 }, async () => {
    const reason = new Error("too late");
    const connected = connect(server.endpoint, { keys: paths.client, transport, signal: AbortSignal.abort(reason) });
    await expect(connected).rejects.toMatchObject({ code: "cancelled", cause: reason });
  });

  it("has no window into Python", { timeout: 5_000 }, async () => {
    await using glip = await connect(server.endpoint, { keys: paths.client, transport });
    await expect(glip.python()).rejects.toMatchObject({ code: "unsupported" });
  });

  it(
    "fails what is pending when the worker is closed, and reconnects to the next one when asked to",
    { timeout: 30_000 },
    async () => {
      const first = await start("tcp://127.0.0.1:0");
      await using glip = await connect(first.endpoint, {
        keys: paths.client,
        transport,
        restart: { max: 5, backoffMs: 500 },
      });
      const pending = glip.call("diagnostics.count", { steps: 1000, pause_ms: 20 });
      pending.catch(() => {});
      const lost = new Promise((resolve) => glip.on("lost", resolve));
      await first.close();
      await expect(pending).rejects.toMatchObject({ code: expect.stringMatching(/worker_closed|connection_lost/) });
      await lost;
      const second = await start(first.endpoint);
      try {
        await expect(eventually(() => glip.call("diagnostics.echo", { value: 1 }))).resolves.toEqual({ value: 1 });
      } finally {
        await second.close();
      }
    },
  );
});

it("keeps tcp without keys from being tried at all", async () => {
  await expect(connect("tcp://127.0.0.1:7777")).rejects.toMatchObject({ code: "invalid_argument" });
});

async function eventually<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}
