import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SegmentRange } from "../../src/bridge/codec.ts";
import { arrayConstructors, type DType, elementSize } from "../../src/protocol/dtype.ts";
import { Tensor } from "../../src/protocol/tensor.ts";

export const fixtureFolder = fileURLToPath(new URL("../fixtures/messages/", import.meta.url));

/**
 * One message as both sides must write and read it. In `message`, `{"$tensor": {dtype, shape, frame}}` (or `segment` and
 * `offset`), `{"$bytes": base64}` and `{"$int64": digits}` stand for what JSON has no word for.
 */
export interface MessageFixture {
  kind: string;
  direction: "client" | "worker";
  message: Record<string, unknown>;
  /** The header. */
  hex: string;
  /** The buffers behind it. */
  frames: string[];
  /** What lies in shared memory. */
  segments?: Record<string, string>;
}

export function readFixtures(): Map<string, MessageFixture> {
  const names = readdirSync(fixtureFolder).filter((name) => name.endsWith(".json"));
  return new Map(
    names
      .sort()
      .map((name) => [
        name.slice(0, -".json".length),
        JSON.parse(readFileSync(join(fixtureFolder, name), "utf8")) as MessageFixture,
      ]),
  );
}

/** The frames of a fixture as they travel. */
export function fixtureFrames({ hex, frames }: MessageFixture): Uint8Array[] {
  return [hex, ...frames].map((text) => new Uint8Array(Buffer.from(text, "hex")));
}

interface Place {
  dtype: DType;
  shape: number[];
  frame?: number;
  segment?: string;
  offset?: number;
}

/** The message with real values, and where its tensors lie when that is shared memory. */
export function revive(fixture: MessageFixture): { message: unknown; placed: Map<Tensor, SegmentRange> } {
  const placed = new Map<Tensor, SegmentRange>();
  const value = (json: unknown): unknown => {
    if (Array.isArray(json)) return json.map(value);
    if (typeof json !== "object" || json === null) return json;
    const { $tensor, $bytes, $int64 } = json as { $tensor?: Place; $bytes?: string; $int64?: string };
    if ($bytes !== undefined) return new Uint8Array(Buffer.from($bytes, "base64"));
    if ($int64 !== undefined) return BigInt($int64);
    if ($tensor === undefined) return Object.fromEntries(Object.entries(json).map(([key, item]) => [key, value(item)]));
    const { dtype, shape, frame, segment, offset = 0 } = $tensor;
    const size = shape.reduce((product, length) => product * length, elementSize(dtype));
    const hex = segment === undefined ? fixture.frames[frame ?? 0] : fixture.segments?.[segment];
    const content = Uint8Array.from(Buffer.from(hex ?? "", "hex")).slice(offset, offset + size);
    const tensor = new Tensor(dtype, shape, new arrayConstructors[dtype](content.buffer));
    if (segment !== undefined) placed.set(tensor, { segment, offset });
    return tensor;
  };
  return { message: value(fixture.message), placed };
}
