import { extension, header } from "./raw-message.ts";
import { fixtureFrames, type MessageFixture, readFixtures } from "./message-fixtures.ts";
import { pattern } from "./connection.ts";

/** A generator of its own (xorshift32), so that a failure can be repeated. */
export function random(seed: number): (below: number) => number {
  let state = seed | 1;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

export function fixturesOf(direction: MessageFixture["direction"]): MessageFixture[] {
  return [...readFixtures().values()].filter((fixture) => fixture.direction === direction);
}

const oddValues: unknown[] = [
  null,
  true,
  -1,
  0,
  1.5,
  NaN,
  2 ** 32,
  2n ** 63n,
  "",
  "x".repeat(300),
  "\u0000",
  [],
  {},
  [[[]]],
];
const lengthTypes = [0xdd, 0xdf, 0xdb, 0xc6, 0xc9];

/** A message that is not what its fixture was, in one of twelve ways; now and then nothing changes. */
export function mutate(fixtures: readonly MessageFixture[], seed: number, maxFrames = 5000): Uint8Array[] {
  const pick = random(seed * 7919 + 13);
  const one = <T>(items: readonly T[]): T => items[pick(items.length)] as T;
  const fixture = one(fixtures);
  const frames = fixtureFrames(fixture);
  const [head, ...buffers] = frames as [Uint8Array, ...Uint8Array[]];
  const changed = head.slice();
  switch (pick(12)) {
    case 0:
      return [pattern(pick(300), seed), ...buffers];
    case 1:
      return [head.slice(0, pick(head.length)), ...buffers];
    case 2:
      for (let count = 1 + pick(4); count > 0; count--) {
        const at = pick(changed.length);
        changed[at] = (changed[at] ?? 0) ^ (1 << pick(8));
      }
      return [changed, ...buffers];
    case 3:
      for (let count = 1 + pick(4); count > 0; count--) changed[pick(changed.length)] = pick(256);
      return [changed, ...buffers];
    case 4: {
      const key = one(Object.keys(fixture.message));
      return [header({ ...fixture.message, [key]: one(oddValues) }), ...buffers];
    }
    case 5:
      return [header({ ...fixture.message, [one(["extra", "", "__proto__", "Kind"])]: one(oddValues) }), ...buffers];
    case 6: {
      const nested = new Uint8Array(head.length + 10 + pick(100_000)).fill(one([0x91, 0x81, 0xa0]));
      nested.set(head.subarray(0, pick(head.length)));
      return [nested, ...buffers];
    }
    case 7:
      changed.set(
        [one(lengthTypes), 255, 255, 255, 255].slice(0, changed.length),
        pick(Math.max(1, changed.length - 5)),
      );
      return [changed, ...buffers];
    case 8: {
      const field = "params" in fixture.message ? { params: { value: oddTensor(pick) } } : { value: oddTensor(pick) };
      return [header({ ...fixture.message, ...field }), ...buffers];
    }
    case 9:
      return pick(40) === 0
        ? [head, ...Array<Uint8Array>(maxFrames).fill(new Uint8Array(0))]
        : [head, ...buffers, pattern(pick(99))];
    case 10:
      return [head, ...buffers.slice(1 + pick(3))];
    default:
      return pick(4) === 0 ? frames : [head, ...buffers.map((buffer) => buffer.subarray(pick(buffer.length + 1)))];
  }
}

/** An extension whose payload says something else than a tensor's should. */
function oddTensor(pick: (below: number) => number): unknown {
  const one = <T>(items: readonly T[]): T => items[pick(items.length)] as T;
  const payload = [
    one(["float32", "int64", "float8", "", 5, null]),
    one([[], [0], [1], [2 ** 31], [-1], [1.5], Array<number>(70).fill(1), [2 ** 52, 2 ** 52], "1", null, [[1]]]),
    one([0, 1, -1, 2 ** 32, "w-0", "../../etc/passwd", "c-00ff17ab", "", null, 1.5]),
    one([0, 64, 1, -64, 2 ** 53, null]),
  ];
  const bytes = pick(6) === 0 ? pattern(pick(50), pick(1000)) : listOf(payload.slice(0, 2 + pick(3)));
  return extension(one([0x54, 0x54, 0x53, 0x53, 0, 0x11, 0xff, 0x72, 0x42]), bytes);
}

/** The value alone, cut out of a map of one entry. */
function listOf(value: unknown[]): Uint8Array {
  return header({ x: value }).subarray(3);
}
