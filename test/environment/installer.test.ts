import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { requirementsDirectory } from "../../src/environment/home.ts";
import { type Installer, installTorch, toolEnvironment } from "../../src/environment/installer.ts";
import { readLock } from "../../src/environment/locks.ts";
import { planTorch } from "../../src/environment/torch-plan.ts";
import { temporaryFolder } from "../support/folders.ts";

interface Call {
  args: string;
  env: Record<string, string>;
  /** The text of the file behind -r. */
  requirements: string;
}

/** An installer that notes its calls; a probe ends as `probeSucceeds` says. */
function recorder(probeSucceeds: boolean): { installer: Installer; calls: Call[] } {
  const calls: Call[] = [];
  const run: Installer["run"] = (_file, args, env = {}) => {
    const file = args[args.indexOf("-r") + 1] ?? "";
    calls.push({ args: args.slice(4).join(" "), env, requirements: readFileSync(file, "utf8") });
    const fails = args.includes("--dry-run") && !probeSucceeds;
    return Promise.resolve({
      exitCode: fails ? 2 : 0,
      stdout: "",
      stderr: fails ? "error: x\n  cause: no route\n" : "",
    });
  };
  return { installer: { uv: "uv", directory: temporaryFolder(), run }, calls };
}

const lock = readLock(requirementsDirectory, "torch");

test("a CPU build on Linux comes from its own index, everything else from the lock with hashes", async () => {
  const { installer, calls } = recorder(true);
  expect(await installTorch(installer, lock, planTorch("cpu", "linux"))).toEqual({ source: "build-index" });
  expect(calls.map(({ args }) => args.replaceAll(installer.directory, "ENV"))).toEqual([
    expect.stringContaining("--no-deps --dry-run --torch-backend cpu -r ENV"),
    expect.stringContaining("--no-deps --require-hashes -r ENV"),
    expect.stringContaining("--no-deps --torch-backend cpu -r ENV"),
  ]);
  expect(calls[0]?.env["UV_HTTP_RETRIES"]).toBe("0");
  expect(calls[1]?.requirements).not.toMatch(/^(torch|torchvision|nvidia-|cuda-|triton)/m);
  expect(calls[2]?.requirements).toMatch(/^torchvision==[\d.]+$/m);
});

test("when that index cannot be reached the locked build is installed, with a warning that says why", async () => {
  const { installer, calls } = recorder(false);
  const { source, warning } = await installTorch(installer, lock, planTorch("cpu", "linux"));
  expect(source).toBe("default");
  expect(warning).toContain("PyTorch's index of cpu builds cannot be reached (no route); the locked CUDA build");
  expect(calls).toHaveLength(2);
  expect(calls[1]?.args).toContain(`--require-hashes -r ${lock.path}`);
});

test("the locked build needs no other index", async () => {
  const { installer, calls } = recorder(true);
  expect(await installTorch(installer, lock, planTorch("cuda", "linux"))).toEqual({ source: "default" });
  expect(calls).toHaveLength(1);
});

test("tools get the user's index and proxy, but nothing that changes what is installed where", () => {
  const env = toolEnvironment({
    HTTPS_PROXY: "proxy",
    UV_DEFAULT_INDEX: "mirror",
    PYTHONPATH: "elsewhere",
    UV_TARGET: "elsewhere",
    PIP_USER: "1",
  });
  expect(env).toEqual({ HTTPS_PROXY: "proxy", UV_DEFAULT_INDEX: "mirror", UV_PYTHON_DOWNLOADS: "never" });
});
