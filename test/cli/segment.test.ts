import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, expect, it } from "vitest";
import { Mask } from "../../src/images/mask.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));

it.each([
  ["categories", ["dog, red cup"], { categories: ["dog", "red cup"] }],
  ["a sentence", ["a dog and a red cup", "--caption"], { caption: "a dog and a red cup" }],
])("masks of %s are printed, and drawn into a file", { timeout: 120_000 }, async (_name, text, asked) => {
  const folder = temporaryFolder();
  const [picture, drawing] = [join(folder, "a.png"), join(folder, "drawn.svg")];
  const noise = { type: "gaussian", mean: 128, sigma: 60 } as const;
  await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray", noise } })
    .png()
    .toFile(picture);
  const model = ["--engine", "native", "--config", "glip-nano", "--weights", "random", "--device", "cpu"];
  // Random weights are sure of nothing.
  const set = ["--set", "masks={}", "--set", "postprocess.threshold=0", "--threshold", "0", "--max-objects", "3"];
  const args = ["segment", picture, ...text, "--json", "--save", drawing, "--threads", "1", ...model, ...set];
  const { stdout, stderr, status } = spawnSync(process.execPath, [launcher, ...args], { encoding: "utf8" });
  expect(stderr).not.toContain("error");
  const { objects, ...rest } = JSON.parse(stdout) as { objects?: { mask: Mask }[]; phrases?: { objects: object[] }[] };
  expect(rest).toMatchObject({ width: 160, height: 120, saved: drawing, ...asked });
  const found = objects ?? rest.phrases?.flatMap((phrase) => phrase.objects as { mask: Mask }[]) ?? [];
  expect(found).toHaveLength(3);
  for (const { mask } of found) expect(new Mask(mask).pixels()).toHaveLength(160 * 120);
  expect(existsSync(drawing)).toBe(true);
  expect(status).toBe(0);
});
