import { expect, it } from "vitest";
import { decodeZ85, encodeZ85 } from "../../../src/bridge/zmtp/z85.ts";

const vector = Uint8Array.of(0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b);

it("knows the vector of RFC 32", { timeout: 1000 }, () => {
  expect(encodeZ85(vector)).toBe("HelloWorld");
  expect(decodeZ85("HelloWorld")).toEqual(vector);
});

it("brings all byte values back", { timeout: 1000 }, () => {
  const all = Uint8Array.from({ length: 256 }, (_, index) => index);
  expect(decodeZ85(encodeZ85(all))).toEqual(all);
  expect(decodeZ85(encodeZ85(new Uint8Array(4).fill(255)))).toEqual(new Uint8Array(4).fill(255));
});

it.each(["Hell", "Hello World", "Hell\u00f6", 'Hell"', "#####"])("says no to %s", { timeout: 1000 }, (text) => {
  expect(decodeZ85(text)).toBeUndefined();
});

it("says no to lengths that Z85 cannot say", { timeout: 1000 }, () => {
  expect(() => encodeZ85(new Uint8Array(3))).toThrow(RangeError);
});
