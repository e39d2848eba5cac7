import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { describeOfficial, officialCheckout } from "../support/checkout.ts";
import { requireBuild, temporaryFolder } from "../support/folders.ts";
import { testPython } from "../support/python.ts";
import { smallModel } from "../support/small-model.ts";

beforeAll(requireBuild);

const launcher = fileURLToPath(new URL("../../bin/glip.js", import.meta.url));

function glip(args: readonly string[], options: { input?: Buffer; env?: object } = {}): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [launcher, ...args], {
    input: options.input ?? "",
    env: { ...process.env, GLIP_DEBUG: "", ...options.env },
    encoding: "utf8",
    timeout: 120_000,
  });
}

describe("what is wrong is said at once, in the command line's words", () => {
  it.each<[string[], string]>([
    [["detect"], 'expected a picture and what to look for in it, e.g. "person, red car", got nothing'],
    [["detect", "a.jpg"], 'e.g. "person, red car", got only "a.jpg"'],
    [["ground", "a.jpg"], 'expected a picture and a sentence about it, e.g. "a man holds an umbrella"'],
    [["detect", "a.jpg", "dog,, dog"], 'categories[1]: expected another name than that of categories[0], got "dog"'],
    [["detect", "a.jpg", " , "], "categories: expected at least one category"],
    [["detect", "a.jpg", "dog", "--threshold", "3"], "--threshold: expected number <=1, got 3"],
    [["detect", "a.jpg", "dog", "--threshold", "cat=0.3"], '--threshold: expected names of categories, got "cat"'],
    [["detect", "a.jpg", "dog", "--threshold", "half"], "expected SCORE or NAME=SCORE"],
    [["detect", "a.jpg", "dog", "--max-objects", "0"], "--max-objects: expected number >=1, got 0"],
    [["detect", "a.jpg", "dog", "--short-side", "tall"], "expected a whole number"],
    [["detect", "a.jpg", "dog", "--save", "a.gif"], "--save: expected a file ending in .png"],
    [["detect", "a.jpg", "dog", "--save", "/nowhere/a.png"], "the folder /nowhere does not exist; make it first."],
    [["detect", "a.jpg", "b.jpg", "dog", "--save", "a.png"], "--save: expected a folder that is there, for 2 pictures"],
    [["ground", "a.jpg", "a dog", "--phrase", "cat"], "--phrase: expected a text that is in the caption"],
    [["ground", "a.jpg", "a dog", "--threshold", "dog=0.3"], "--threshold: expected one score for all phrases"],
    [["segment", "a.jpg"], 'e.g. "person, red car", got only "a.jpg"'],
    [["segment", "a.jpg", "dog,, dog"], "categories[1]: expected another name than that of categories[0]"],
    [["segment", "a.jpg", "a dog", "--caption", "--threshold", "dog=0.3"], "--threshold: expected one score for all"],
    [["segment", "a.jpg", "a dog", "--phrase", "cat"], "--phrase: expected a text that is in the caption"],
    [["detect", "a.jpg", "dog", "--model", "glip-x"], "--model: expected one of "],
  ])("%j", (args, message) => {
    const { status, stdout, stderr } = glip(args);
    expect(stderr).toContain(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
    expect([status, stdout]).toEqual([1, ""]);
  });
});

describeOfficial("glip detect and glip ground", () => {
  it("looks at pictures, says which ones are bad, and draws into files", { timeout: 240_000 }, async () => {
    const folder = temporaryFolder();
    const { config, settings, textEncoder } = await smallModel(folder);
    const set = Object.entries(settings).flatMap(([key, value]) => ["--set", `${key}=${JSON.stringify(value)}`]);
    const model = ["--config", config, "--weights", "random", "--text-encoder", textEncoder, "--engine", "official"];
    const flags = [...model, ...set, "--device", "cpu", "--threads", "1", "--home", join(folder, "home")];
    const env = { GLIP_PYTHON: await testPython(), GLIP_OFFICIAL_REPO: officialCheckout() };
    const picture = join(folder, "picture.png");
    await sharp({ create: { width: 160, height: 120, channels: 3, background: "gray" } })
      .png()
      .toFile(picture);
    const bad = join(folder, "bad.png");
    writeFileSync(bad, "no picture");

    const some = ["--threshold", "0", "--max-objects", "3"];
    const args = ["detect", picture, bad, "-", "dog, red cup", ...some, "--json", "--save", folder, ...flags];
    const { status, stdout, stderr } = glip(args, { input: readFileSync(picture), env });
    const lines = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(lines).toMatchObject([
      { picture, width: 160, categories: ["dog", "red cup"], passes: 1, saved: join(folder, "picture.boxes.png") },
      { picture: bad, error: { code: "image_invalid" } },
      { picture: "stdin", height: 120, saved: join(folder, "stdin.boxes.png") },
    ]);
    expect(lines[0]?.["objects"]).toHaveLength(3);
    expect(lines[0]?.["objects"]).toEqual(lines[2]?.["objects"]);
    expect(stderr).toContain(`glip: error [image_invalid]: ${bad}`);
    expect(status).toBe(1);
    expect(existsSync(join(folder, "bad.boxes.png"))).toBe(false);

    const sentence = "a dog and the red cup";
    const grounded = glip(["ground", picture, sentence, "--phrase", "dog", ...some, ...flags], { env });
    expect(grounded.stdout).toMatch(/picture\.png: 3 objects above 0 \(160 x 120 pixels\)\n {2}phrase\s+score/);
    expect(grounded.stdout.match(/^ {2}dog\s+0\.\d\d/gm)).toHaveLength(3);
    expect(grounded.status).toBe(0);
  });
});
