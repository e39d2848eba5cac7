import { execFile } from "node:child_process";
import { statSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { root } from "../support/compile.ts";
import { temporaryFolder } from "../support/folders.ts";
import { runtimeProgram } from "../support/installed.ts";
import { decode, plainPNG } from "../support/pictures.ts";

describe.each([
  { runtime: "deno" as const, args: ["run", "-A", "--no-check", "--node-modules-dir=manual"] },
  { runtime: "bun" as const, args: ["run"] },
])("$runtime", ({ runtime, args }) => {
  const program = runtimeProgram(runtime);

  it.skipIf(program === undefined)("loads a picture, draws on it and saves it", { timeout: 40_000 }, async () => {
    const folder = temporaryFolder();
    const [picture, saved] = [join(folder, "a.png"), join(folder, "b.png")];
    writeFileSync(picture, await plainPNG(600, 500));
    const command = [...args, "test/fixtures/draw.ts", picture, saved];
    const { stdout } = await promisify(execFile)(program as string, command, { cwd: root, timeout: 30_000 });
    const { size } = statSync(picture);
    expect(JSON.parse(stdout)).toEqual({
      sizes: [size, size],
      missing: "file_error",
      alone: expect.toSatisfy((length: number) => length > 500),
      withPicture: true,
      saved,
      shown: ["text/plain", "image/jpeg"],
    });
    expect(await decode(await readFile(saved))).toMatchObject({ width: 600, height: 500 });
  });
});
