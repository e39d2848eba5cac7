import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";

import { glipHome, interpreterOf } from "../../src/environment/home.ts";
import { readLock } from "../../src/environment/locks.ts";
import { writeMarker } from "../../src/environment/marker.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { temporaryFolder } from "../support/folders.ts";
import { changeLock, writeTinyLocks } from "../support/tiny-setup.ts";

beforeEach(() => {
  vi.stubEnv("GLIP_PYTHON", undefined);
});

/** What a finished setup leaves, without running one. */
function pretendSetup(home: string, requirements: string, name: string, groups: string[], selectedAt: string): string {
  const directory = join(home, "environments", name);
  mkdirSync(dirname(interpreterOf(directory)), { recursive: true });
  writeFileSync(interpreterOf(directory), "");
  writeMarker(directory, {
    format: 1,
    groups: Object.fromEntries(
      ["base", "torch", ...groups].map((group) => [group, readLock(requirements, group).hash]),
    ),
    python: { version: "3.11.7", base: "/usr/bin/python3" },
    torch: { variant: "cpu", source: "default", version: null, cuda: null },
    selectedAt,
  });
  return directory;
}

test("an interpreter given by option wins over GLIP_PYTHON, and both over the managed environment", () => {
  vi.stubEnv("GLIP_PYTHON", process.execPath);
  expect(resolveEnvironment()).toEqual({ python: process.execPath, directory: undefined, managed: false });
  expect(resolveEnvironment({ python: "python3" })).toEqual({
    python: "python3",
    directory: undefined,
    managed: false,
  });
  vi.stubEnv("GLIP_PYTHON", "/no/such/python");
  expect(() => resolveEnvironment()).toThrow("GLIP_PYTHON is /no/such/python, but there is no such file");
});

test("says how to make an environment when there is none, or only a half-made one", () => {
  const home = temporaryFolder();
  const resolve = (): unknown => resolveEnvironment({ home });
  expect(resolve).toThrow(expect.objectContaining({ code: "environment_missing" }));
  expect(resolve).toThrow("Run `npx glip setup`.");
  const half = join(home, "environments", "0123456789ab");
  mkdirSync(dirname(interpreterOf(half)), { recursive: true });
  writeFileSync(interpreterOf(half), "");
  expect(resolve).toThrow(expect.objectContaining({ code: "environment_missing" }));
  writeFileSync(join(half, "glip-environment.json"), "{ half a file");
  expect(resolve).toThrow(expect.objectContaining({ code: "environment_missing" }));
});

test("of several that fit, the one that setup chose last is used, if it has the groups", () => {
  const home = temporaryFolder();
  const requirements = writeTinyLocks(join(home, "requirements"));
  const older = pretendSetup(home, requirements, "a", ["extra"], "2026-01-01T00:00:00.000Z");
  const newer = pretendSetup(home, requirements, "b", [], "2026-01-02T00:00:00.000Z");
  expect(resolveEnvironment({ home, requirements }).directory).toBe(newer);
  expect(resolveEnvironment({ home, requirements, groups: ["extra"] }).directory).toBe(older);
});

test("says what is stale and what to run", () => {
  const home = temporaryFolder();
  const requirements = writeTinyLocks(join(home, "requirements"));
  const directory = pretendSetup(home, requirements, "a", [], "2026-01-01T00:00:00.000Z");
  const resolve = (): unknown => resolveEnvironment({ home, requirements, groups: ["extra"] });
  expect(resolve).toThrow(
    `The Python environment in ${directory} lacks the package group extra. Run \`npx glip setup --group extra\`.`,
  );
  changeLock(requirements, "torch");
  expect(resolve).toThrow(expect.objectContaining({ code: "environment_stale" }));
  expect(resolve).toThrow("was made for another version of the package group torch");
});

test("starts nothing and takes a few milliseconds", () => {
  const home = temporaryFolder();
  const requirements = writeTinyLocks(join(home, "requirements"));
  pretendSetup(home, requirements, "a", [], "2026-01-01T00:00:00.000Z");
  const times = Array.from({ length: 20 }, () => {
    const start = performance.now();
    resolveEnvironment({ home, requirements });
    return performance.now() - start;
  });
  expect(times.sort((a, b) => a - b)[10]).toBeLessThan(5);
});

test("the home is the option, then GLIP_HOME", () => {
  vi.stubEnv("GLIP_HOME", "/from/variable");
  expect(glipHome()).toBe("/from/variable");
  expect(glipHome("/from/option")).toBe("/from/option");
});

test("a relative home is one of this folder, wherever tools run", () => {
  vi.stubEnv("GLIP_HOME", "from/variable");
  expect(glipHome()).toBe(resolve("from/variable"));
  expect(glipHome("../from/option")).toBe(resolve("../from/option"));
});

test.skipIf(process.platform !== "linux")("on Linux the user's cache directory is XDG_CACHE_HOME", () => {
  vi.stubEnv("GLIP_HOME", "");
  vi.stubEnv("XDG_CACHE_HOME", "/cache");
  expect(glipHome()).toBe("/cache/glip-sdk");
});
