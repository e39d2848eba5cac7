import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { composeScene } from "../../../src/datasets/scenes/compose/scene.ts";
import { type MeasuredSplit, sceneSplit } from "../../../src/datasets/scenes/split.ts";
import type { ScenesProgress } from "../../../src/datasets/scenes/write.ts";
import { failure } from "../../support/faults.ts";
import { fixture, requireBuild, temporaryFolder } from "../../support/folders.ts";

beforeAll(requireBuild);

/** Where a home keeps the standard pictures. A change of the generator must change it: see compose.test.ts. */
const kept = (home: string): string => join(home, "datasets", "scenes-1");

/** Begins to draw in a process of its own, and is killed then. */
async function drawAndDie(split: MeasuredSplit, home: string): Promise<void> {
  const child = spawn(process.execPath, [fixture("draw-split.mjs"), split, home], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout, "data");
  child.kill("SIGKILL");
  await once(child, "exit");
}

describe("the standard pictures of a split", () => {
  // One test, because drawing them takes some seconds.
  it("are drawn once, whoever was killed before and whoever asks at once, and kept", { timeout: 90_000 }, async () => {
    const home = temporaryFolder();
    await drawAndDie("val-style", home);
    expect(readdirSync(kept(home)).filter((name) => name.includes(".part-"))).toHaveLength(1);

    const heard: ScenesProgress[] = [];
    const ask = () => sceneSplit("val-style", { home, onProgress: (progress) => heard.push(progress) });
    const [first, second] = await Promise.all([ask(), ask()]);
    const folder = join(kept(home), "val-style-300-0-256", "val-style");
    expect([first, second]).toEqual([
      { format: "scenes", folder },
      { format: "scenes", folder },
    ]);
    expect(heard.map(({ done }) => done)).toEqual(Array.from({ length: 300 }, (_, index) => index + 1));
    expect(await ask()).toEqual(first);
    expect(heard).toHaveLength(300);
    expect(readdirSync(kept(home))).toEqual(["val-style-300-0-256"]);

    const lines = readFileSync(join(folder, "scenes.jsonl"), "utf8").trim().split("\n");
    expect(lines).toHaveLength(300);
    const { file_name: _, ...last } = JSON.parse(lines[299] ?? "") as { file_name: string };
    expect(last).toEqual(JSON.parse(JSON.stringify(composeScene({ split: "val-style", seed: 0, index: 299 }))));
    expect(readdirSync(join(folder, "images"))).toHaveLength(300);

    const error = await failure(sceneSplit("val-style", { home, signal: AbortSignal.abort("late") }), "cancelled");
    expect(error.cause).toBe("late");
  });

  it("are not there in part when drawing is cancelled", async () => {
    const home = temporaryFolder();
    const stop = new AbortController();
    const reason = new Error("enough");
    const onProgress = ({ done }: ScenesProgress) => {
      if (done === 3) stop.abort(reason);
    };
    const error = await failure(sceneSplit("val", { home, signal: stop.signal, onProgress }), "cancelled");
    expect(error.cause).toBe(reason);
    expect(readdirSync(kept(home))).toEqual([]);
  });

  it("are waited for no longer than the signal says", async () => {
    const home = temporaryFolder();
    const stop = new AbortController();
    const drawing = failure(sceneSplit("val", { home, signal: stop.signal }), "cancelled");
    await failure(sceneSplit("val", { home, signal: AbortSignal.timeout(100) }), "cancelled");
    stop.abort();
    await drawing;
    expect(readdirSync(kept(home))).toEqual([]);
  });

  it("cannot be where nothing can be written", async () => {
    const file = join(temporaryFolder(), "file");
    writeFileSync(file, "");
    const error = await failure(sceneSplit("val", { home: file }), "file_error");
    expect(error.message).toContain("val-300-0-256 cannot be written: ");
  });

  it("do not replace what somebody else put there", async () => {
    const home = temporaryFolder();
    const mine = join(kept(home), "val-300-0-256");
    mkdirSync(mine, { recursive: true });
    writeFileSync(join(mine, "mine.txt"), "");
    const error = await failure(sceneSplit("val", { home }), "file_error");
    expect(error.message).toContain(`${mine}: it is not empty (it holds mine.txt). `);
    expect(existsSync(join(mine, "mine.txt"))).toBe(true);
  });

  it.each([
    ["train", {}, "split", '"val"|"val-pairs"|"val-categories"|"val-style"'],
    ["tune-pairs", {}, "split", '"val"|"val-pairs"|"val-categories"|"val-style"'],
    ["val", { home: "" }, "options.home", "string"],
    ["val", { count: 10 }, "options.count", "nothing of that name"],
    ["val", { onProgress: 1 }, "options.onProgress", ""],
  ] as [MeasuredSplit, object, string, string][])("%s, %j is refused", async (split, options, path, expected) => {
    const { details } = await failure(sceneSplit(split, options), "invalid_argument");
    expect(details.path).toBe(path);
    expect(details.expected).toContain(expected);
  });
});
