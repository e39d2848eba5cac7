import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { describe, expect, it } from "vitest";
import { concat } from "../../../src/bridge/zmtp/commands.ts";
import { headerBytes } from "../../../src/bridge/zmtp/frames.ts";
import { MessageOpener, MessageSealer } from "../../../src/bridge/zmtp/message-box.ts";
import { bytes, pattern } from "../../support/connection.ts";

const bound = { timeout: 5000 };
const key = pattern(32, 7);
const sizes = [0, 1, 30, 31, 32, 33, 221, 222, 223, 255, 256, 4095, 4096, 100_000];

function counter(): () => Uint8Array {
  let next = 0;
  return () => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, ++next);
}

function sealed(size: number, flags = 0, take = counter()): Uint8Array {
  const wire = new MessageSealer(key, "CurveZMQMESSAGES", take).seal(flags, pattern(size));
  return wire.slice(headerBytes(33 + size));
}

describe("CURVE messages", () => {
  it.each(sizes)("say what crypto_box says, for %i bytes", bound, (size) => {
    const frame = sealed(size, 1);
    const boxNonce = concat(bytes("CurveZMQMESSAGES"), frame.slice(8, 16));
    expect(xsalsa20poly1305(key, boxNonce).decrypt(frame.slice(16))).toEqual(concat(Uint8Array.of(1), pattern(size)));
  });

  it.each(sizes)("come back as they were and aligned, for %i bytes", bound, (size) => {
    const { flags, body } = new MessageOpener(key, "CurveZMQMESSAGES", 0n).open(sealed(size, 4));
    expect(flags).toBe(4);
    expect(body).toEqual(pattern(size));
    expect(body.byteOffset % 8).toBe(0);
  });

  it("leave no key material in front of the content", bound, () => {
    const { body } = new MessageOpener(key, "CurveZMQMESSAGES", 0n).open(sealed(100));
    expect(new Uint8Array(body.buffer, 0, 32)).toEqual(new Uint8Array(32));
  });

  it("are refused when any byte differs", bound, () => {
    for (let index = 0; index < 33 + 20; index++) {
      const frame = sealed(20);
      frame[index] = (frame[index] ?? 0) ^ 1;
      expect(() => new MessageOpener(key, "CurveZMQMESSAGES", 0n).open(frame), `byte ${index}`).toThrow(
        "the peer sent",
      );
    }
  });

  it("are refused when cut", bound, () => {
    const frame = sealed(20);
    for (let length = 0; length < frame.length; length++) {
      expect(() => new MessageOpener(key, "CurveZMQMESSAGES", 0n).open(frame.slice(0, length))).toThrow(
        "the peer sent",
      );
    }
  });

  it("are refused when they come again, or late", bound, () => {
    const take = counter();
    const [first, second] = [sealed(5, 0, take), sealed(5, 0, take)];
    const opener = new MessageOpener(key, "CurveZMQMESSAGES", 0n);
    opener.open(second.slice());
    expect(() => opener.open(second.slice())).toThrow("again or out of order");
    expect(() => opener.open(first.slice())).toThrow("again or out of order");
  });

  it("are refused from the other direction", bound, () => {
    expect(() => new MessageOpener(key, "CurveZMQMESSAGEC", 0n).open(sealed(5))).toThrow("this session's key");
  });
});
