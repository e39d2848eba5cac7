import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { resolveEngine } from "../src/engine.ts";
import { interpreterOf, packageRoot, requirementsDirectory } from "../src/environment/home.ts";
import { readLock, REQUIRED_GROUPS } from "../src/environment/locks.ts";
import { writeMarker } from "../src/environment/marker.ts";
import { launch } from "../src/launch.ts";
import { type LaunchOptions, launchOptions } from "../src/options.ts";
import { checkArgument } from "../src/protocol/validate.ts";
import { failure } from "./support/faults.ts";
import { temporaryFolder } from "./support/folders.ts";

const yaml = "configs/pretrain/glip_Swin_T_O365_GoldG.yaml";
let home: string;

beforeEach(() => {
  home = temporaryFolder();
  // No Python is started in this file.
  vi.stubEnv("GLIP_PYTHON", process.execPath);
  vi.stubEnv("GLIP_OFFICIAL_REPO", "");
  vi.stubEnv("GLIP_HOME", home);
});

function put(path: string, content = ""): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

/** A checkout with one of the official files, which is none of the pinned commit. */
function checkout(): string {
  const directory = join(home, "checkout");
  put(join(directory, yaml), "MODEL: {}\n");
  return directory;
}

const resolve = (options: LaunchOptions) => resolveEngine(checkArgument(launchOptions, options, "options"));
const here = () => ({ official: checkout(), allowModified: true }) as const;

describe("combinations", () => {
  it.each([
    [{ engine: "none", model: "glip-t" }, "model", 'the option engine: "official" beside it', "none"],
    [{ config: "a.yaml", weights: "random" }, "config", 'the option engine: "official" beside it', "none"],
    [{ weights: "glip-t" }, "weights", 'the option engine: "official" beside it', "none"],
    [{ official: "/checkout" }, "official", 'the option engine: "official" beside it', "none"],
    [{ accelerate: true }, "accelerate", 'the option engine: "official" beside it', "none"],
    [
      { engine: "official", model: "glip-t", dtype: "bfloat16" },
      "dtype",
      'the option engine: "native" beside it',
      "official",
    ],
    [{ model: "glip-nano", accelerate: true }, "accelerate", 'the option engine: "official" beside it', "native"],
    [{ engine: "official", weights: "random" }, "weights", "the option model or config beside it", "neither"],
    [{ engine: "official", settings: {} }, "settings", "the option model or config beside it", "neither"],
    [{ engine: "official", accelerate: true }, "accelerate", "the option model or config beside it", "neither"],
    [{ engine: "official", textEncoder: "bert" }, "textEncoder", "the option model or config beside it", "neither"],
  ] as [LaunchOptions, string, string, string][])("%j", async (options, key, expected, received) => {
    const { details, message } = await failure(launch(options), "invalid_argument");
    expect(details).toEqual({ path: `options.${key}`, expected, received });
    expect(message).toBe(`options.${key}: expected ${expected}, got ${received}`);
  });

  it("a configuration without weights", async () => {
    const { message } = await failure(launch({ engine: "official", config: yaml }), "invalid_argument");
    expect(message).toContain('the option weights (a path, a name of the zoo, or "random") beside it');
  });

  it("a model that is none", async () => {
    const unknown = await failure(launch({ model: "glip-xl" }), "invalid_argument");
    expect(unknown.message).toMatch(/^options\.model: expected one of glip-nano, glip-t-a, .*, got "glip-xl"$/);
    expect((await failure(launch({ model: "swin-t" }), "invalid_argument")).details.path).toBe("options.model");
    const other = await failure(launch({ engine: "official", model: "glip-nano" }), "invalid_argument");
    expect(other.message).toContain("glip-nano is of the native engine");
    const backbone = await failure(launch({ model: "glip-t", weights: "swin-t" }), "invalid_argument");
    expect(backbone.message).toContain("a backbone is what pre-training starts from");
  });

  it("values that are none", async () => {
    const given = { engine: "magic", accelerate: ["fast"], settings: 3, allowModified: "yes", config: "" };
    for (const [key, value] of Object.entries(given)) {
      const { details } = await failure(launch({ [key]: value }), "invalid_argument");
      expect(details.path).toMatch(new RegExp(`^options\\.${key}`));
    }
  });
});

describe("what is not here", () => {
  it("the checkout", async () => {
    const { message } = await failure(launch({ model: "glip-t" }), "official_missing");
    expect(message).toContain("npx glip setup --official");
    await failure(launch({ engine: "official", official: checkout() }), "official_modified");
  });

  it("the weights", async () => {
    const { message } = await failure(launch({ model: "glip-t", ...here() }), "weights_missing");
    expect(message).toContain("npx glip weights pull glip-t");
    await failure(launch({ model: "glip-t", weights: "/nowhere/mine.pth", ...here() }), "weights_missing");
  });

  it("the configuration, or the text encoder", async () => {
    const options = { engine: "official", weights: "random", ...here() } as const;
    const { details } = await failure(launch({ ...options, config: "configs/none.yaml" }), "config_invalid");
    expect(details).toMatchObject({ path: join(process.cwd(), "configs/none.yaml"), keys: [] });
    const file = put(join(home, "vocab.txt"));
    const error = await failure(launch({ ...options, config: yaml, textEncoder: file }), "file_error");
    expect(error.details).toEqual({ path: file, reason: "it is not a folder" });
  });

  it("the packages of the official engine", async () => {
    vi.stubEnv("GLIP_PYTHON", "");
    const directory = join(home, "environments", "basic");
    put(interpreterOf(directory));
    const groups = Object.fromEntries(
      REQUIRED_GROUPS.map((group) => [group, readLock(requirementsDirectory, group).hash]),
    );
    writeMarker(directory, {
      format: 1,
      groups,
      python: { version: "3.11.0", base: "/usr/bin/python3" },
      torch: { variant: "cpu", source: "default", version: null, cuda: null },
      selectedAt: new Date(0).toISOString(),
    });
    const { message } = await failure(launch({ model: "glip-t", ...here() }), "environment_stale");
    expect(message).toContain("lacks the package group official");
    expect(message).toContain("npx glip setup --group official");
    // Without the engine they are not needed.
    expect(resolve({ engine: "none" })).toMatchObject({ name: "none", python: interpreterOf(directory) });
    expect(resolve({})).toMatchObject({ name: "native", python: interpreterOf(directory) });
  });
});

describe("what the worker is told", () => {
  it("nothing without a model", () => {
    const none = { python: process.execPath, name: "none", options: {}, model: undefined };
    expect(resolve({ engine: "none" })).toEqual(none);
    const { official, allowModified } = here();
    expect(resolve({ engine: "official", official, allowModified })).toEqual({
      python: process.execPath,
      name: "official",
      options: { checkout: official },
      model: undefined,
    });
  });

  it("the model that ships, when nothing is said", () => {
    const weights = join(packageRoot, "models", "glip-nano", "model.safetensors");
    const nano = { name: "native", model: { config: "auto", weights, accelerate: [], settings: {} } };
    expect(resolve({})).toMatchObject(nano);
    expect(resolve({ model: "glip-nano" })).toMatchObject(nano);
    expect(resolve({ model: "glip-nano", dtype: "bfloat16" }).options).toMatchObject({ dtype: "bfloat16" });
    expect(resolve({ engine: "native" }).model).toBeUndefined();
  });

  it("a model of the zoo alone is enough", () => {
    const weights = put(join(home, "weights", "glip_tiny_model_o365_goldg_cc_sbu.pth"), "tensors");
    expect(resolve({ model: "glip-t", ...here() })).toMatchObject({
      name: "official",
      model: { config: yaml, weights, text_encoder: null, accelerate: [], settings: {} },
    });
  });

  it("parts of it can be others", () => {
    const weights = put(join(home, "mine.pth"), "tensors");
    const config = put(join(home, "mine.yaml"));
    const settings = { "MODEL.ATSS.INFERENCE_TH": 0.1 };
    const given = { weights, config, settings, textEncoder: home, accelerate: true } as const;
    const whole = { weights, config, settings, text_encoder: home, accelerate: ["short_text", "fusion", "deformable"] };
    expect(resolve({ model: "glip-l", ...given, ...here() }).model).toEqual(whole);
    expect(resolve({ engine: "official", ...given, ...here() }).model).toEqual(whole);
    const options = { engine: "official", config: yaml, weights: "random", accelerate: ["fusion"], ...here() } as const;
    expect(resolve(options).model).toMatchObject({ config: yaml, weights: null, accelerate: ["fusion"] });
  });
});
