import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { checkGroups, readLock, REQUIRED_GROUPS } from "../../src/environment/locks.ts";
import { interpreterOf, requirementsDirectory } from "../../src/environment/home.ts";
import { writeMarker } from "../../src/environment/marker.ts";
import { launch } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { failure, prepare } from "../support/faults.ts";
import { temporaryFolder, writeScript } from "../support/folders.ts";
import { testPython } from "../support/python.ts";

test("an interpreter that does not exist", async () => {
  const { options, expectNothingLeft } = await prepare({ interpreter: "/nowhere/python3" });
  const error = await within(500, failure(launch(options), "python_not_found"));
  expect(error.message).toContain("/nowhere/python3");
  expect(error.message).toContain("npx glip setup");
  await expectNothingLeft();
});

test("a name that is no program", async () => {
  const { options, expectNothingLeft } = await prepare({ interpreter: "no-such-python" });
  const error = await within(1000, failure(launch(options), "worker_start_failed"));
  expect(error.details).toMatchObject({ pid: undefined, exitCode: undefined, signal: undefined });
  expect(error.message).toContain("no-such-python");
  expect(error.message).toContain("ENOENT");
  expect(error.message).toContain("npx glip doctor");
  await expectNothingLeft();
});

test("a file that cannot be run", async () => {
  const { options, expectNothingLeft } = await prepare({ interpreter: temporaryFolder() });
  const error = await within(1000, failure(launch(options), "worker_start_failed"));
  expect(error.message).toContain("EACCES");
  await expectNothingLeft();
});

test("a program that is no Python", async () => {
  const script = writeScript(temporaryFolder(), "python", "echo 'not a Python' >&2", "exit 3");
  const { options, expectNothingLeft } = await prepare({ interpreter: script });
  const error = await within(1000, failure(launch(options), "worker_start_failed"));
  expect(error.details).toMatchObject({ exitCode: 3, lastLogLines: ["not a Python"] });
  expect(error.message).toContain("npx glip doctor");
  await expectNothingLeft();
});

test("a program that ends well and does nothing", async () => {
  const script = writeScript(temporaryFolder(), "python", "exit 0");
  const { options, expectNothingLeft } = await prepare({ interpreter: script });
  const error = await within(1000, failure(launch(options), "worker_start_failed"));
  expect(error.details.exitCode).toBe(0);
  expect(error.message).toContain("It wrote nothing");
  await expectNothingLeft();
});

test("a Python without the packages", async () => {
  // -S: no site-packages.
  const script = writeScript(temporaryFolder(), "python", `exec '${await testPython()}' -S "$@"`);
  const { options, expectNothingLeft } = await prepare({ interpreter: script });
  const error = await within(5000, failure(launch(options), "worker_start_failed"));
  expect(error.message).toMatch(/No module named '(msgspec|zmq)'/);
  expect(error.message).toContain("npx glip doctor");
  await expectNothingLeft();
});

test("no environment yet", async () => {
  vi.stubEnv("GLIP_PYTHON", "");
  const home = temporaryFolder();
  const error = await within(500, failure(launch({ home }), "environment_missing"));
  expect(error.details.path).toContain(home);
  expect(error.message).toContain("npx glip setup");
});

test("GLIP_HOME names the place too", async () => {
  vi.stubEnv("GLIP_PYTHON", "");
  const home = temporaryFolder();
  vi.stubEnv("GLIP_HOME", home);
  const error = await within(500, failure(launch(), "environment_missing"));
  expect(error.details.path).toContain(home);
});

test("an environment of another version", async () => {
  vi.stubEnv("GLIP_PYTHON", "");
  const home = temporaryFolder();
  const directory = join(home, "environments", "old");
  mkdirSync(join(directory, "bin"), { recursive: true });
  writeScript(join(directory, "bin"), interpreterOf("").replace(/.*\//, ""), "exit 1");
  checkGroups(requirementsDirectory, []);
  const groups = Object.fromEntries(REQUIRED_GROUPS.map((group) => [group, "0".repeat(64)]));
  writeMarker(directory, {
    format: 1,
    groups,
    python: { version: "3.11.0", base: "/usr/bin/python3" },
    torch: { variant: "cpu", source: "default", version: null, cuda: null },
    selectedAt: new Date(0).toISOString(),
  });
  const error = await within(500, failure(launch({ home }), "environment_stale"));
  const { hash } = readLock(requirementsDirectory, REQUIRED_GROUPS[0]);
  expect(error.details).toEqual({ path: directory, expected: hash, received: "0".repeat(64) });
  expect(error.message).toContain("npx glip setup");
});
