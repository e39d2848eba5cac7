import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { addFewShot } from "../../src/cli/few-shot.ts";
import { miniBenchmark } from "../../src/datasets/benchmarks/mini.ts";
import { attachRun } from "../../src/training/folder/attach.ts";
import { command } from "../support/command.ts";
import { temporaryFolder } from "../support/folders.ts";

it(
  "glip few-shot trains, measures and prints; the same command has nothing left to do",
  { timeout: 200_000 },
  async () => {
    const root = await miniBenchmark("odinw", { out: join(temporaryFolder(), "data") });
    const folder = join(root, "odinw", "EgoHands", "generic");
    const output = join(temporaryFolder(), "runs");
    const small = ["--shots", "1", "--seeds", "3", "--option", "steps=1", "--option", "samplePictures=0"];
    const given = ["few-shot", `EgoHands=${folder}`, "--output", output, "--device", "cpu", "--threads", "1", ...small];
    const { stdout, error } = await command(addFewShot, given);
    expect(error).toBeUndefined();
    const lines = stdout.trimEnd().split("\n");
    expect(lines[0]).toMatch(/^set +shots +AP +deviation +runs$/);
    expect(lines[1]).toMatch(/^EgoHands +1 +0\.\d{3} +– +1$/);
    expect(lines[2]).toMatch(/^mean over sets +1 +0\.\d{3} +–$/);
    expect(lines.at(-1)).toBe(`Written: ${join(output, "sweep.md")}`);
    const again = await command(addFewShot, [...given, "--json"]);
    const { rows, overall } = JSON.parse(again.stdout) as { rows: { steps: number }[]; overall: { shots: number }[] };
    expect(rows).toMatchObject([{ steps: 1, labels: { set: "EgoHands", shots: "1", seed: "3" } }]);
    expect(overall).toMatchObject([{ shots: 1 }]);
  },
);

it("glip few-shot says which run was stopped, and ends with 1", { timeout: 400_000 }, async () => {
  const root = await miniBenchmark("odinw", { out: join(temporaryFolder(), "data") });
  const folder = join(root, "odinw", "EgoHands", "generic");
  const output = join(temporaryFolder(), "runs");
  const small = ["--shots", "1", "--seeds", "3", "--option", "steps=100", "--option", "samplePictures=0"];
  const given = ["few-shot", `EgoHands=${folder}`, "--output", output, "--device", "cpu", "--threads", "1", ...small];
  const name = "set=EgoHands,shots=1,seed=3";
  const ran = command(addFewShot, [...given, "--engine", "native"]);
  onTestFinished(() => void (process.exitCode = undefined));
  await expect.poll(() => existsSync(join(output, name, "events.jsonl")), { timeout: 120_000 }).toBe(true);
  await attachRun(join(output, name)).stop();
  const { stdout, error } = await ran;
  expect(error).toBeUndefined();
  expect(stdout).toMatch(new RegExp(`^${name} was stopped after \\d+ steps: the same command goes on with it$`, "m"));
  expect(stdout).toMatch(/^mean over sets +1 +– +–$/m);
  expect(process.exitCode).toBe(1);
});

it("says what is wrong as it is called there", async () => {
  const folder = temporaryFolder();
  const none = await command(addFewShot, ["few-shot", `mine=${folder}`, "--output", folder]);
  expect(none.error).toContain(": mine: expected the folder of a set of ODinW");
  const unnamed = await command(addFewShot, ["few-shot", folder, "--output", folder]);
  expect(unnamed.error).toContain("Expected NAME=FOLDER");
  const twice = await command(addFewShot, ["few-shot", `a=${folder}`, `a=${folder}`, "--output", folder]);
  expect(twice.error).toContain("Expected a name for each set.");
  const shots = await command(addFewShot, ["few-shot", `mine=${folder}`, "--output", folder, "--shots", "few"]);
  expect(shots.error).toContain("Expected whole numbers with commas between.");
  const engine = await command(addFewShot, ["few-shot", `mine=${folder}`, "--output", folder, "--engine", "official"]);
  expect(engine.error).toContain('--engine: expected "native", got "official"');
});
