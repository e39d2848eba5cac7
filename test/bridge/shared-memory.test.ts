import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { SegmentReader, sharedMemoryLimits, SegmentWriter } from "../../src/bridge/shared-memory.ts";
import { Tensor } from "../../src/protocol/tensor.ts";
import { pattern, same, within } from "../support/connection.ts";
import { testPython } from "../support/python.ts";

const memory = "/dev/shm";
const MiB = 2 ** 20;

describe.skipIf(!fs.existsSync(memory))("shared memory", () => {
  let folder: string;
  beforeEach(() => {
    folder = fs.mkdtempSync(join(memory, "glip-test-"));
  });
  afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

  const files = (): string[] => fs.readdirSync(folder);
  const bytesOf = (tensor: Tensor): number => tensor.byteLength;
  const filled = (bytes: number, seed = 0): Tensor =>
    new Tensor("uint8", [bytes], pattern(bytes, seed) as Uint8Array<ArrayBuffer>);
  const openFiles = (): number =>
    fs
      .readdirSync("/proc/self/fd")
      .map((fd) => linkOf(fd))
      .filter((path) => path.startsWith(folder)).length;

  describe("the writer", () => {
    const opened = (): SegmentWriter => {
      const writer = new SegmentWriter(folder);
      onTestFinished(() => writer.close());
      return writer;
    };

    it("writes what is given, privately, under a name of its own", async () => {
      const tensor = filled(3 * MiB + 5);
      const place = await opened().place(tensor);
      expect(place?.segment).toMatch(/^c-[a-f0-9]{16}$/);
      const path = join(folder, place?.segment ?? "");
      expect(same(fs.readFileSync(path).subarray(0, bytesOf(tensor)), tensor.bytes)).toBe(true);
      expect(fs.statSync(path).mode & 0o777).toBe(0o600);
    });

    it("uses a segment again once it is free, and not before", async () => {
      const writer = opened();
      const first = await writer.place(filled(2 * MiB));
      const second = await writer.place(filled(2 * MiB));
      expect(second?.segment).not.toBe(first?.segment);
      writer.free([first?.segment ?? "", "unknown"]);
      const third = await writer.place(filled(MiB, 3));
      expect(third?.segment).toBe(first?.segment);
      expect(files().length).toBe(2);
    });

    it("places side by side what comes side by side", async () => {
      const writer = opened();
      const tensors = Array.from({ length: 8 }, (_, seed) => filled(MiB, seed));
      const places = await within(5000, Promise.all(tensors.map((tensor) => writer.place(tensor))));
      expect(new Set(places.map((place) => place?.segment)).size).toBe(8);
      places.forEach((place, index) => {
        const content = fs.readFileSync(join(folder, place?.segment ?? "")).subarray(0, MiB);
        expect(same(content, tensors[index]?.bytes ?? content)).toBe(true);
      });
    });

    it("sends frames when its memory is used up, and drops idle segments first", async () => {
      vi.spyOn(sharedMemoryLimits, "maxBytes", "get").mockReturnValue(4 * MiB);
      const writer = opened();
      const places = [
        await writer.place(filled(MiB)),
        await writer.place(filled(2 * MiB)),
        await writer.place(filled(MiB)),
      ];
      expect(places.every((place) => place !== undefined)).toBe(true);
      expect(await writer.place(filled(MiB))).toBeUndefined();
      writer.free(places.map((place) => place?.segment ?? ""));
      expect(await writer.place(filled(4 * MiB))).toBeDefined();
      expect(files().length).toBe(1);
    });

    it("sends frames when the file system has no room, for a new segment or for all of an old one", async () => {
      const python = await testPython();
      const writer = opened();
      const place = await writer.place(filled(2 * MiB));
      writer.free([place?.segment ?? ""]);
      try {
        limitFileSize(python, MiB);
        expect(await writer.place(filled(2 * MiB))).toBeUndefined();
        expect(await writer.place(filled(2 * MiB))).toBeUndefined();
      } finally {
        limitFileSize(python, -1);
      }
      expect(files()).toEqual([]);
      expect(openFiles()).toBe(0);
      expect(await writer.place(filled(2 * MiB))).toBeDefined();
    });

    it("sends frames when the folder is gone", async () => {
      const writer = opened();
      fs.rmSync(folder, { recursive: true });
      expect(await writer.place(filled(MiB))).toBeUndefined();
    });

    it("leaves nothing, also when it is closed in the middle of writing", async () => {
      const writer = opened();
      await writer.place(filled(MiB));
      const late = writer.place(filled(32 * MiB));
      writer.close();
      writer.close();
      await within(5000, late);
      expect(files()).toEqual([]);
      expect(openFiles()).toBe(0);
      expect(await writer.place(filled(MiB))).toBeUndefined();
    });
  });

  describe("the reader", () => {
    const opened = (): SegmentReader => {
      const reader = new SegmentReader(folder);
      onTestFinished(() => reader.close());
      return reader;
    };
    const write = (name: string, content: Uint8Array): void => fs.writeFileSync(join(folder, name), content);
    /** What a message with this one tensor does. */
    const read = async (reader: SegmentReader, segment: string, offset: number, bytes: number): Promise<Tensor> => {
      const { buffer, onRelease } = reader.allocate({ segment, offset }, bytes);
      const tensor = new Tensor("uint8", [bytes], new Uint8Array(buffer), { onRelease });
      await reader.fill([{ tensor, segment, offset }]);
      return tensor;
    };

    it("reads from anywhere in a segment", async () => {
      const content = pattern(3 * MiB + 1);
      write("w-0", content);
      const reader = opened();
      for (const [offset, bytes] of [
        [0, content.length],
        [64, 1],
        [128, 2 * MiB],
        [0, 0],
        [content.length, 0],
      ] as const) {
        const tensor = await within(2000, read(reader, "w-0", offset, bytes));
        expect(same(tensor.bytes, content.subarray(offset, offset + bytes)), `${bytes} at ${offset}`).toBe(true);
      }
    });

    it("gives released memory to the next tensor of that size, and only then", async () => {
      write("w-0", pattern(1000));
      const reader = opened();
      const first = await read(reader, "w-0", 0, 1000);
      const buffer = first.data.buffer;
      expect((await read(reader, "w-0", 0, 1000)).data.buffer).not.toBe(buffer);
      first.release();
      expect((await read(reader, "w-0", 0, 999)).data.buffer).not.toBe(buffer);
      expect((await read(reader, "w-0", 0, 1000)).data.buffer).toBe(buffer);
    });

    it("keeps no more released memory than its limit", async () => {
      vi.spyOn(sharedMemoryLimits, "maxIdleBytes", "get").mockReturnValue(2500);
      write("w-0", pattern(1000));
      const reader = opened();
      const tensors = [
        await read(reader, "w-0", 0, 1000),
        await read(reader, "w-0", 0, 1000),
        await read(reader, "w-0", 0, 1000),
      ];
      const buffers = tensors.map(({ data }) => data.buffer);
      for (const tensor of tensors) tensor.release();
      const again = [
        await read(reader, "w-0", 0, 1000),
        await read(reader, "w-0", 0, 1000),
        await read(reader, "w-0", 0, 1000),
      ];
      expect(again.map(({ data }) => buffers.includes(data.buffer))).toEqual([true, true, false]);
    });

    it("lets go of segments that the worker removed, however many there were", async () => {
      const reader = opened();
      for (let index = 0; index < 600; index++) {
        write(`w-${index}`, pattern(100, index));
        expect(same((await read(reader, `w-${index}`, 0, 100)).bytes, pattern(100, index))).toBe(true);
        fs.rmSync(join(folder, `w-${index}`));
      }
      expect(openFiles()).toBeLessThan(3);
    });

    it("reads to the end what it was closed upon, then closes its files", async () => {
      const content = pattern(32 * MiB);
      write("w-0", content);
      const reader = opened();
      const late = read(reader, "w-0", 0, content.length);
      reader.close();
      expect(same((await within(5000, late)).bytes, content)).toBe(true);
      expect(openFiles()).toBe(0);
    });

    it("reports a segment that shrank under it", async () => {
      write("w-0", pattern(1000));
      const reader = opened();
      const { buffer } = reader.allocate({ segment: "w-0", offset: 0 }, 1000);
      fs.truncateSync(join(folder, "w-0"), 10);
      const tensor = new Tensor("uint8", [1000], new Uint8Array(buffer));
      const filling = reader.fill([{ tensor, segment: "w-0", offset: 0 }]);
      await expect(within(1000, filling)).rejects.toMatchObject({ code: "invalid_message" });
    });

    it("refuses what is not a segment", () => {
      write("w-0", pattern(100));
      fs.symlinkSync(join(folder, "w-0"), join(folder, "w-link"));
      fs.mkdirSync(join(folder, "w-folder"));
      execFileSync("mkfifo", [join(folder, "w-fifo")]);
      const reader = opened();
      const attempts: [segment: string, offset: number, bytes: number, message: RegExp][] = [
        ["w-none", 0, 1, /segment w-none: ENOENT/],
        ["w-link", 0, 1, /segment w-link: ELOOP/],
        ["w-folder", 0, 1, /segment w-folder: is not a regular file/],
        ["w-fifo", 0, 1, /segment w-fifo: is not a regular file/],
        ["w-0", 0, 101, /segment w-0: holds 100 bytes, 101 were announced/],
        ["w-0", 128, 0, /segment w-0: holds 100 bytes, 128 were announced/],
        ["w-0", Number.MAX_SAFE_INTEGER, 100, /segment w-0: holds 100 bytes/],
      ];
      for (const [segment, offset, bytes, message] of attempts) {
        const refused = { code: "invalid_message", message: expect.stringMatching(message) as string };
        expect(() => reader.allocate({ segment, offset }, bytes)).toThrow(expect.objectContaining(refused));
      }
      expect(openFiles()).toBe(1);
    });

    it("opens no more than 256 segments at once", () => {
      const reader = opened();
      const open = (index: number): unknown => {
        write(`w-${index}`, pattern(1));
        return reader.allocate({ segment: `w-${index}`, offset: 0 }, 1);
      };
      for (let index = 0; index < 256; index++) open(index);
      expect(() => open(256)).toThrow("is one more than the 256 that a worker may use");
    });
  });
});

/** The most that this process may write into one file; -1 for no limit. Beyond it: EFBIG, much as ENOSPC. */
function limitFileSize(python: string, bytes: number): void {
  const script =
    "import resource, sys; resource.prlimit(int(sys.argv[1]), resource.RLIMIT_FSIZE, (int(sys.argv[2]), -1))";
  execFileSync(python, ["-c", script, String(process.pid), String(bytes)]);
}

function linkOf(fd: string): string {
  try {
    return fs.readlinkSync(`/proc/self/fd/${fd}`);
  } catch {
    return "";
  }
}
