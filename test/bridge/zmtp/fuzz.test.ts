import { expect, it } from "vitest";
import { isGlipError } from "../../../src/errors.ts";
import { concat } from "../../../src/bridge/zmtp/commands.ts";
import { generateCurveKeys } from "../../../src/bridge/curve-keys.ts";
import { openZmtp } from "../../../src/bridge/zmtp/dealer.ts";
import { pattern, within } from "../../support/connection.ts";
import { command, fakePeer, frame, greeting, opening } from "../../support/fake-peer.ts";

const streams = 10_000;
const atOnce = 20;

/** A generator of its own (xorshift32), so that a failure can be repeated: its seed is in the message. */
function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

const originals = [
  concat(opening(), frame(1, "header"), frame(0, pattern(300)), command("PING", "\u0000\u0001abc"), frame(0, "")),
  concat(greeting("CURVE"), command("WELCOME", pattern(160)), command("READY", pattern(60)), frame(0, pattern(90))),
  concat(greeting("CURVE"), command("ERROR", "\u0003400")),
];

function stream(seed: number): Uint8Array {
  const pick = random(seed * 7919 + 13);
  const original = originals[pick(originals.length)] ?? new Uint8Array(0);
  const kind = pick(10);
  if (kind === 0) return pattern(pick(400), seed);
  if (kind === 1) return concat(original.subarray(0, 64), pattern(pick(400), seed));
  const changed = original.slice(0, kind === 2 ? pick(original.length) : original.length);
  // Beyond the greeting, most of the time: what comes after it is the larger surface.
  const start = kind < 4 ? 0 : 64;
  for (let count = 1 + pick(4); count > 0 && changed.length > start; count--) {
    changed[start + pick(changed.length - start)] = pick(256);
  }
  return kind === 9 ? concat(changed, pattern(pick(200), seed)) : changed;
}

it(
  `survives ${streams} random and mutated streams, in typed errors and flat memory`,
  { timeout: 120_000 },
  async () => {
    let served = 0;
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    process.on("uncaughtException", onUncaught);
    process.on("unhandledRejection", onUncaught);
    await using peer = await fakePeer((socket) => socket.end(stream(served++)));
    const { publicKey, secretKey } = generateCurveKeys();
    const curve = { serverKey: generateCurveKeys().publicKey, publicKey, secretKey };

    const once = async (index: number): Promise<void> => {
      const down = Promise.resolve().then(
        () =>
          new Promise<Error | undefined>((resolve) => {
            const handlers = { onMessage() {}, onDown: resolve };
            const options = { endpoint: peer.endpoint, maxFrameBytes: 100_000, ...(index % 4 === 0 ? { curve } : {}) };
            openZmtp(options, handlers).catch(resolve);
          }),
      );
      const error = await within(5000, down);
      if (!isGlipError(error)) throw new Error(`stream ${index}: expected a GlipError`, { cause: error });
      expect(["connection_lost", "unauthorized", "connection_refused"]).toContain(error.code);
    };
    const runMany = async (from: number, to: number): Promise<void> => {
      for (let index = from; index < to; index += atOnce) {
        await Promise.all(Array.from({ length: Math.min(atOnce, to - index) }, (_, offset) => once(index + offset)));
      }
    };

    await runMany(0, streams / 5);
    const before = process.memoryUsage().rss;
    await runMany(streams / 5, streams);
    expect(process.memoryUsage().rss - before).toBeLessThan(150_000_000);
    expect(uncaught).toEqual([]);
    expect(served).toBe(streams);
    process.off("uncaughtException", onUncaught);
    process.off("unhandledRejection", onUncaught);
  },
);
