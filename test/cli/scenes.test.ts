import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { type CommandResult, runCommand } from "../../src/environment/command.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { startGlip } from "../support/glip.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));
const glip = (...args: string[]): Promise<CommandResult> =>
  runCommand(process.execPath, [launcher, "scenes", ...args], { timeoutMs: 60_000 });

test("glip scenes writes the splits that were asked for", { timeout: 60_000 }, async () => {
  const out = join(temporaryFolder(), "scenes");
  const made = await glip("--out", out, "--train", "3", "--val", "1", "--seed", "5", "--size", "128", "--json");
  expect(made.stderr).toBe("");
  const lines = made.stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { progress?: { done: number; total: number }; result?: { out: string } });
  expect(lines.at(-2)?.progress).toMatchObject({ done: 7, total: 7 });
  expect(lines.at(-1)).toEqual({
    result: { out, splits: { train: 3, val: 1, "val-pairs": 1, "val-categories": 1, "val-style": 1 } },
  });
  expect(readdirSync(join(out, "train"))).toEqual(
    ["captions.json", "grounding.json", "images", "instances.json", "questions.json", "scenes.jsonl"].sort(),
  );
  expect(readFileSync(join(out, "train", "scenes.jsonl"), "utf8")).toContain('"seed":5');
  const again = await glip("--out", out);
  expect(again).toMatchObject({ exitCode: 1, stdout: "" });
  expect(again.stderr).toContain(`glip: error [file_error]: ${out}: it is not empty (it holds train, val, `);
});

test("glip scenes ends with 130 when it is interrupted, and leaves nothing", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const { child, printed } = startGlip(["scenes", "--out", join(folder, "scenes"), "--train", "5000"]);
  const exit = once(child, "exit");
  await expect.poll(() => readdirSync(folder), { timeout: 30_000 }).toHaveLength(1);
  child.kill("SIGINT");
  expect(await exit).toEqual([130, null]);
  expect(printed).toEqual({ out: "", err: "" });
  expect(readdirSync(folder)).toEqual([]);
});

test.each([
  [["--size", "12"], "[invalid_argument]: options.size: expected number >=128, got 12"],
  [["--train", "many"], "argument 'many' is invalid. Expected an integer >= 0."],
])("glip scenes %j is refused in one sentence", async (flags, message) => {
  const refused = await glip("--out", join(temporaryFolder(), "scenes"), ...flags);
  expect(refused.exitCode).toBe(1);
  expect(refused.stderr).toContain(message);
});
