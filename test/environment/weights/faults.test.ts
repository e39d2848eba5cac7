import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { type PullOptions, pullWeights } from "../../../src/environment/weights/pull.ts";
import { fixture, requireBuild, temporaryFolder } from "../../support/folders.ts";
import { giveFile, makeWeights, serveWeights } from "../../support/weights-server.ts";

beforeAll(requireBuild);

const leftIn = (home: string): string[] => readdirSync(join(home, "weights")).sort();

describe("a full disk", () => {
  test("while writing: a typed error, and the part goes on once there is room", async () => {
    const { bytes } = makeWeights();
    const home = temporaryFolder();
    let room = 100_000;
    const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
    const storage: NonNullable<PullOptions["storage"]> = {
      freeBytes: () => undefined,
      open: async (path, mode) => {
        const file = await open(path, mode);
        return {
          write: async (chunk) => {
            if (room === 0) throw full;
            const result = await file.write(chunk.subarray(0, room));
            room -= result.bytesWritten;
            return result;
          },
          sync: () => file.sync(),
          close: () => file.close(),
        };
      },
    };
    const server = await serveWeights((request, response) => giveFile(request, response, bytes));
    await expect(pullWeights(`${server.url}mine.pth`, { home, storage })).rejects.toMatchObject({
      code: "disk_full",
      cause: full,
    });
    expect(statSync(join(home, "weights", "mine.pth.part")).size).toBe(100_000);
    const { path } = await pullWeights(`${server.url}mine.pth`, { home });
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(server.requests[1]?.range).toBe("bytes=100000-");
  });

  test("that can be foreseen is told before anything is fetched", async () => {
    const { bytes } = makeWeights();
    const server = await serveWeights((request, response) => giveFile(request, response, bytes));
    const home = temporaryFolder();
    const pull = pullWeights(`${server.url}mine.pth`, { home, storage: { freeBytes: () => 1_000 } });
    await expect(pull).rejects.toMatchObject({ code: "disk_full", details: { needed: bytes.length } });
    expect(leftIn(home)).toEqual(["mine.pth.part.json"]);
  });
});

interface Line {
  progress?: { phase: string; bytes: number };
  message?: string;
  result?: { changed: boolean };
}

function start(url: string, home: string, onLine: (line: Line, kill: () => void) => void = () => {}) {
  const child = spawn(process.execPath, [fixture("pull-weights.mjs"), url, JSON.stringify({ home })], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: Line[] = [];
  const ended = once(child, "close");
  createInterface({ input: child.stdout }).on("line", (text) => {
    const line = JSON.parse(text) as Line;
    lines.push(line);
    onLine(line, () => child.kill("SIGKILL"));
  });
  return { child, lines, ended };
}

test("two at once take turns: one downloads, the other finds it", async () => {
  const { bytes } = makeWeights();
  const server = await serveWeights((request, response) => {
    setTimeout(() => giveFile(request, response, bytes), 200);
  });
  const home = temporaryFolder();
  const runs = [start(`${server.url}mine.pth`, home), start(`${server.url}mine.pth`, home)];
  await Promise.all(runs.map(({ ended }) => ended));
  const changed = runs.map(({ lines }) => lines.at(-1)?.result?.changed);
  expect(changed).toEqual(expect.arrayContaining([true, false]));
  expect(server.requests).toHaveLength(1);
  const inOne = [pullWeights(`${server.url}two.pth`, { home }), pullWeights(`${server.url}two.pth`, { home })];
  expect((await Promise.all(inOne)).map((result) => result.changed)).toEqual([true, false]);
});

test.skipIf(process.platform === "win32")("kill -9 in the middle: the next run resumes it", async () => {
  const { bytes } = makeWeights();
  const server = await serveWeights((request, response, count) =>
    giveFile(request, response, bytes, { stop: count === 0 ? { after: 120_000, by: "stall" } : undefined }),
  );
  const home = temporaryFolder();
  const part = join(home, "weights", "mine.pth.part");
  const run = start(`${server.url}mine.pth`, home);
  await vi.waitFor(() => expect(statSync(part).size).toBe(120_000), { timeout: 5_000, interval: 20 });
  run.child.kill("SIGKILL");
  await run.ended;
  expect(leftIn(home)).not.toContain("mine.pth");
  const result = await pullWeights(`${server.url}mine.pth`, { home });
  expect(readFileSync(result.path).equals(bytes)).toBe(true);
  expect(server.requests[1]?.range).toBe("bytes=120000-");
  expect(leftIn(home)).toEqual(["mine.pth", "mine.pth.json"]);
});
