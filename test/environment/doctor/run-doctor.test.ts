import { readdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { beforeEach, expect, test, vi } from "vitest";

import { checkOfficial } from "../../../src/environment/doctor/assets.ts";
import type { Check } from "../../../src/environment/doctor/check.ts";
import { checkNode, checkSharedMemory } from "../../../src/environment/doctor/host.ts";
import { runDoctor } from "../../../src/environment/doctor/run-doctor.ts";
import { setup } from "../../../src/environment/setup.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { checkoutOf, makeTinyOfficial } from "../../support/official.ts";
import { writeTinyLocks } from "../../support/tiny-setup.ts";

beforeEach(() => {
  vi.stubEnv("GLIP_PYTHON", undefined);
});

const named = (checks: Check[], name: string): Check | undefined => checks.find((check) => check.name === name);

test("without an environment only that is a problem, and the fix says what to run", async () => {
  const checks = await runDoctor({ home: join(temporaryFolder(), "home") });
  expect(checks.filter(({ status }) => status === "problem").map(({ name }) => name)).toEqual(["environment"]);
  expect(named(checks, "environment")).toMatchObject({ needed: true, fix: "Run `npx glip setup`." });
  expect(named(checks, "zeromq")).toMatchObject({ status: "ok" });
  expect(named(checks, "zeromq")?.found).toMatch(/^libzmq 4\./);
  expect(named(checks, "curve")).toMatchObject({ status: "ok" });
  expect(checks.filter((check) => (check.fix === undefined) !== (check.status === "ok"))).toEqual([]);
});

test("judges the packages of an environment, managed or not", async () => {
  const folder = temporaryFolder();
  const options = { home: join(folder, "home"), requirements: writeTinyLocks(join(folder, "requirements")) };
  const { directory, python } = await setup({ ...options, groups: ["extra"] });
  const checks = await runDoctor(options);
  expect(named(checks, "packages")).toMatchObject({ status: "ok", found: "2 as locked (base, torch, extra)" });
  expect(checks.filter(({ status }) => status === "problem")).toEqual([]);

  const unmanaged = await runDoctor({ home: join(folder, "other"), python });
  const found = `${python}, which is not managed by glip setup`;
  expect(named(unmanaged, "environment")).toMatchObject({ status: "ok", found });
  expect(named(unmanaged, "torch")).toMatchObject({ status: "problem", needed: true });
  expect(named(unmanaged, "torch")?.found).toContain("ModuleNotFoundError: No module named 'torch'");

  const info = pathsIn(directory).find((path) => /iniconfig-[^/\\]*\.dist-info$/.test(path)) ?? "";
  renameSync(join(directory, info), join(directory, dirname(info), "iniconfig-0.0.1.dist-info"));
  const broken = named(await runDoctor(options), "packages");
  expect(broken).toMatchObject({ status: "problem", needed: true });
  expect(broken?.found).toMatch(/^iniconfig 0\.0\.1 \(locked: \d/);
}, 90_000);

const pathsIn = (directory: string): string[] => readdirSync(directory, { recursive: true, encoding: "utf8" });

test("a checkout is looked at where GLIP_OFFICIAL_REPO says, and is never needed", { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const tiny = makeTinyOfficial(folder);
  const directory = checkoutOf(tiny, join(folder, "checkout"));
  const home = join(folder, "home");
  vi.stubEnv("GLIP_OFFICIAL_REPO", folder);
  expect(named(await runDoctor({ home }), "official checkout")).toMatchObject({
    status: "warning",
    needed: false,
    found: `${folder} holds none of its files`,
    fix: "Only the official engine needs it: run `npx glip setup --official`.",
  });
  vi.stubEnv("GLIP_OFFICIAL_REPO", directory);
  expect(checkOfficial(home, tiny.manifest)).toMatchObject({ status: "ok", found: directory });
  rmSync(join(directory, "tools/train_net.py"));
  const broken = checkOfficial(home, tiny.manifest);
  expect(broken).toMatchObject({ status: "warning", needed: false });
  expect(broken.found).toContain("missing: tools/train_net.py");
});

test.each([
  ["20.18.3", "problem"],
  ["20.19.0", "ok"],
  ["24.1.0", "ok"],
  ["18.20.0", "problem"],
] as const)("Node %s is %s", (version, status) => {
  expect(checkNode(version)).toMatchObject({ status, needed: true });
});

test("there is nothing to say about shared memory where there is none", () => {
  expect(checkSharedMemory("/no/such/folder")).toBeUndefined();
});
