import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";

import { runCommand } from "../../src/environment/command.ts";
import { requirementsDirectory } from "../../src/environment/home.ts";
import { toolEnvironment } from "../../src/environment/installer.ts";
import { findPython } from "../../src/environment/python.ts";
import { findUv, type Uv } from "../../src/environment/uv.ts";
import { temporaryFolder, writeScript } from "../support/folders.ts";

function find(home: string, python: string, path: string): Promise<Uv> {
  vi.stubEnv("PATH", path);
  const env = toolEnvironment();
  return findUv({
    home,
    python,
    requirements: requirementsDirectory,
    run: (file, args) => runCommand(file, args, { env }),
  });
}

describe.skipIf(process.platform === "win32")("findUv", () => {
  test("takes the uv on PATH when it is new enough", async () => {
    const folder = temporaryFolder();
    writeScript(folder, "uv", "echo 'uv 0.8.0 (abc 2026-01-01)'");
    expect(await find(temporaryFolder(), "/no/python", folder)).toEqual({ path: "uv", version: "0.8.0" });
  });

  test("where Python cannot make a venv, pip puts uv straight into the home; an old uv on PATH is passed over", async () => {
    const { executable } = await findPython();
    const folder = temporaryFolder();
    writeScript(folder, "uv", "echo 'uv 0.7.22'");
    const python = writeScript(
      folder,
      "python3",
      'case "$*" in *ensurepip*) exit 1 ;; esac',
      `exec "${executable}" "$@"`,
    );
    const home = temporaryFolder();
    const uv = await find(home, python, folder);
    expect(uv.path.startsWith(join(home, "tools", "uv-"))).toBe(true);
    expect(await find(home, "/no/python", folder)).toEqual(uv);
  }, 90_000);

  test("says what to install when Python has neither venv nor pip", async () => {
    const folder = temporaryFolder();
    const python = writeScript(folder, "python3", "exit 1");
    const found = find(temporaryFolder(), python, folder);
    await expect(found).rejects.toMatchObject({ code: "setup_failed", details: { step: "uv" } });
    await expect(found).rejects.toThrow("apt install python3-venv");
  });
});
