import { delimiter } from "node:path";
import { describe, expect, test, vi } from "vitest";

import { isGlipError } from "../../src/errors.ts";
import { findPython } from "../../src/environment/python.ts";
import { temporaryFolder, writeScript } from "../support/folders.ts";

const says = (facts: unknown): string => `echo '${JSON.stringify(facts)}'`;

describe.skipIf(process.platform === "win32")("findPython", () => {
  test("finds a real Python and resolves its path", async () => {
    const python = await findPython();
    expect(python.version).toMatch(/^3\.\d+\.\d+$/);
    expect(python.version.startsWith(`${python.minor}.`)).toBe(true);
    expect(await findPython({ python: python.executable })).toEqual(python);
  });

  test("takes the newest that fits and passes over what does not", async () => {
    const folder = temporaryFolder();
    writeScript(folder, "python3.14", "echo 'shim: command not found' >&2", "exit 127");
    writeScript(folder, "python3.13", says(["/fake/pypy", [3, 13, 0], 64, "pypy"]));
    writeScript(folder, "python3.12", "echo hello");
    writeScript(folder, "python3.11", says(["/fake/python3.11", [3, 11, 4], 64, "cpython"]));
    writeScript(folder, "python3", says(["/fake/python3", [3, 10, 0], 64, "cpython"]));
    vi.stubEnv("PATH", folder);
    expect(await findPython()).toEqual({ executable: "/fake/python3.11", version: "3.11.4", minor: "3.11" });
    const preferred = writeScript(folder, "mine", says(["/fake/mine", [3, 10, 9], 64, "cpython"]));
    expect(await findPython({ preferred })).toMatchObject({ executable: "/fake/mine" });
  });

  test("lists what was tried and what each one said", async () => {
    const folder = temporaryFolder();
    writeScript(folder, "python3.13", "echo 'shim: command not found' >&2", "exit 127");
    writeScript(folder, "python3.12", "echo hello");
    writeScript(folder, "python3.11", says(["/fake/python", [3, 11, 0], 32, "cpython"]));
    writeScript(folder, "python3", says(["/fake/python", [3, 9, 18], 64, "cpython"]));
    vi.stubEnv("PATH", [folder, temporaryFolder()].join(delimiter));
    const error: unknown = await findPython().catch((thrown: unknown) => thrown);
    if (!isGlipError(error, "python_not_found")) throw error;
    expect(error.details.tried).toEqual([
      "python3.14: not found",
      "python3.13: shim: command not found",
      'python3.12: is no Python: it printed "hello"',
      "python3.11: is a 32-bit Python 3.11.0",
      "python3.10: not found",
      "python3: is Python 3.9.18",
      "python: not found",
    ]);
    expect(error.message).toContain("npx glip setup --python");
  });

  test("tries nothing but the Python that was asked for", async () => {
    await expect(findPython({ python: "/no/such/python" })).rejects.toMatchObject({
      code: "python_not_found",
      details: { tried: ["/no/such/python: not found"] },
    });
  });

  test("ends a hanging candidate when the caller aborts", async () => {
    const python = writeScript(temporaryFolder(), "slow", "exec sleep 60");
    const found = findPython({ python, signal: AbortSignal.timeout(200) });
    await expect(found).rejects.toMatchObject({ code: "cancelled", cause: { name: "TimeoutError" } });
  });
});
