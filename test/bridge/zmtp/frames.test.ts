import { describe, expect, it } from "vitest";
import { FrameParser, headerBytes, writeHeader } from "../../../src/bridge/zmtp/frames.ts";
import { pattern } from "../../support/connection.ts";
import { frame } from "../../support/fake-peer.ts";

const bound = { timeout: 5000 };

function parse(chunks: Uint8Array[], limit = 100_000): { flags: number; body: Uint8Array }[] {
  const frames: { flags: number; body: Uint8Array }[] = [];
  const parser = new FrameParser(limit, (flags, body) => frames.push({ flags, body }));
  for (const chunk of chunks) parser.push(chunk);
  return frames;
}

function joined(parts: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

describe("FrameParser", () => {
  const bodies = [0, 1, 255, 256, 5000, 70_000, 0].map((size) => pattern(size, size));
  const stream = joined(bodies.map((body, index) => frame(index % 2, body)));
  const expected = bodies.map((body, index) => ({ flags: index % 2, body }));

  it.each([1, 2, 3, 7, 255, 256, 4096, 1_000_000])("finds the same frames in chunks of %i bytes", bound, (size) => {
    const chunks: Uint8Array[] = [];
    for (let offset = 0; offset < stream.length; offset += size) chunks.push(stream.slice(offset, offset + size));
    expect(parse(chunks)).toEqual(expected);
  });

  it("keeps nothing of the chunks it was given", bound, () => {
    const chunk = stream.slice();
    const frames: Uint8Array[] = [];
    const parser = new FrameParser(100_000, (_, body) => frames.push(body));
    parser.push(chunk);
    chunk.fill(0);
    expect(frames).toEqual(bodies);
  });

  it.each([8, 16, 32, 64, 128, 255])("refuses the reserved flags %i before reading on", bound, (flags) => {
    expect(() => parse([Uint8Array.of(flags)])).toThrow("reserved bits");
  });

  it("refuses a command that announces more", bound, () => {
    expect(() => parse([Uint8Array.of(5)])).toThrow("announces more frames");
  });

  it("refuses a frame over the limit by its header alone", bound, () => {
    expect(() => parse([frame(0, pattern(1001)).subarray(0, 9)], 1000)).toThrow("1001 bytes, at most 1000");
    const enormous = Uint8Array.of(2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
    expect(() => parse([enormous], 2 ** 30)).toThrow("at most 1073741824");
  });

  it("refuses an oversized command", bound, () => {
    expect(() => parse([frame(4, pattern(65_537)).subarray(0, 9)])).toThrow("65537 bytes, at most 65536");
  });

  it("stops in the middle of a chunk when it is told to", bound, () => {
    let count = 0;
    const parser = new FrameParser(1000, () => {
      count++;
      parser.stop();
    });
    parser.push(joined([frame(0, "a"), frame(0, "b")]));
    parser.push(frame(0, "c"));
    expect(count).toBe(1);
  });
});

it("writes the sizes of RFC 37", bound, () => {
  expect([0, 255, 256].map(headerBytes)).toEqual([2, 2, 9]);
  const header = new Uint8Array(9);
  expect(writeHeader(header, 0, 1, 0x1_2345_6789)).toBe(9);
  expect([...header]).toEqual([3, 0, 0, 0, 1, 0x23, 0x45, 0x67, 0x89]);
});
