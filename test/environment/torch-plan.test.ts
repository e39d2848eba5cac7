import { expect, test } from "vitest";

import { requirementsDirectory } from "../../src/environment/home.ts";
import { lockEntries, readLock } from "../../src/environment/locks.ts";
import { planTorch, splitTorchLock } from "../../src/environment/torch-plan.ts";

test.each([
  ["cpu", "linux", { variant: "cpu", backend: "cpu" }],
  ["cuda", "linux", { variant: "cuda", backend: undefined }],
  ["cpu", "win32", { variant: "cpu", backend: undefined }],
  ["cuda", "win32", { variant: "cuda", backend: "auto" }],
  ["auto", "darwin", { variant: "mps", backend: undefined }],
  ["cpu", "darwin", { variant: "cpu", backend: undefined }],
] as const)("torch %s on %s", (choice, platform, plan) => {
  expect(planTorch(choice, platform)).toEqual(plan);
});

test.each([
  ["cuda", "darwin", "macOS has no CUDA"],
  ["mps", "linux", "MPS exists on macOS only"],
  ["mps", "win32", "MPS exists on macOS only"],
] as const)("refuses torch %s on %s", (choice, platform, reason) => {
  expect(() => planTorch(choice, platform)).toThrow(expect.objectContaining({ code: "unsupported" }));
  expect(() => planTorch(choice, platform)).toThrow(reason);
});

test("refuses an unknown choice by name", () => {
  // @ts-expect-error the type forbids it; plain JavaScript does not
  expect(() => planTorch("rocm")).toThrow("options.torch: expected one of auto, cpu, cuda, mps, got rocm");
});

test("a build from another index keeps the locked versions, and the hashes of all that is not the build", () => {
  const lock = readLock(requirementsDirectory, "torch");
  const { build, rest } = splitTorchLock(lock);
  const torch = lockEntries(lock).filter(({ name }) => name === "torch");
  for (const { version } of torch) expect(build).toContain(`torch==${version}`);
  expect(build).not.toContain("sha256");
  const kept = lockEntries({ ...lock, text: rest });
  expect(kept.map(({ name }) => name)).toContain("sympy");
  expect(kept.filter(({ name }) => /nvidia|cuda|triton|^torch/.test(name))).toEqual([]);
  expect(kept.every(({ text }) => text.includes("--hash=sha256:"))).toBe(true);
});
