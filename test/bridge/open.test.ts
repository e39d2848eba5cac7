import { afterEach, expect, it, vi } from "vitest";
import { openTransport } from "../../src/bridge/open.ts";
import type { Logger } from "../../src/logger.ts";
import { fakePeer, opening } from "../support/fake-peer.ts";

const bound = { timeout: 5000 };
const handlers = { onMessage() {}, onDown() {} };

function recorder(): Logger & { lines: string[] } {
  const lines: string[] = [];
  const at = (level: string) => (message: string) => void lines.push(`${level}: ${message}`);
  return { lines, error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug") };
}

afterEach(() => {
  vi.doUnmock("zeromq");
  vi.unstubAllGlobals();
});

it("takes libzmq in Node and says why", bound, async () => {
  await using peer = await fakePeer((socket) => socket.write(opening()));
  const logger = recorder();
  const transport = await openTransport("auto", { endpoint: peer.endpoint, logger }, handlers);
  expect(transport.name).toBe("zeromq");
  expect(logger.lines).toEqual(["debug: transport: zeromq, because its native add-on loaded"]);
  transport.close();
});

it("takes what it is told to take", bound, async () => {
  await using peer = await fakePeer((socket) => socket.write(opening()));
  const transport = await openTransport("zmtp", { endpoint: peer.endpoint }, handlers);
  expect(transport.name).toBe("zmtp");
  transport.close();
});

it("falls back, with a warning, when the add-on does not load", bound, async () => {
  vi.doMock("zeromq", () => {
    throw new Error("no prebuilt binary");
  });
  await using peer = await fakePeer((socket) => socket.write(opening()));
  const logger = recorder();
  const transport = await openTransport("auto", { endpoint: peer.endpoint, logger }, handlers);
  expect(transport.name).toBe("zmtp");
  expect(logger.lines[0]).toMatch(/^warn: transport: zmtp instead of zeromq/);
  transport.close();

  const forced = openTransport("zeromq", { endpoint: peer.endpoint }, handlers);
  await expect(forced).rejects.toMatchObject({ code: "transport_unavailable" });
  await expect(forced).rejects.toHaveProperty("cause.message");
});

it("refuses the add-on where it would take the process with it", bound, async () => {
  vi.stubGlobal("Deno", {});
  const forced = openTransport("zeromq", { endpoint: "ipc:///nowhere" }, handlers);
  await expect(forced).rejects.toMatchObject({ code: "transport_unavailable" });
  await expect(forced).rejects.toThrow("in Deno the native add-on hangs");
});
