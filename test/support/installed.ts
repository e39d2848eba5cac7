import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "./compile.ts";
import { requireBuild } from "./folders.ts";

const run = promisify(execFile);

/** A project of a user who has installed the packed tarball. */
export interface InstalledProject {
  folder: string;
  /** The files of the tarball, relative to the package. */
  files: string[];
  remove(): Promise<void>;
}

export async function installTarball(): Promise<InstalledProject> {
  requireBuild();
  const folder = await mkdtemp(join(tmpdir(), "glip-user-"));
  // Without scripts: `prepack` would take the build away from the tests beside this one.
  const pack = ["pack", root, "--ignore-scripts", "--json", "--loglevel=error"];
  const { stdout } = await run("npm", pack, { cwd: folder, maxBuffer: 2 ** 24 });
  // A list of packages, or since npm 12 an object of them by name.
  const [packed] = Object.values(JSON.parse(stdout) as Record<string, { filename: string; files: { path: string }[] }>);
  if (packed === undefined) throw new Error(`npm pack made nothing: ${stdout}`);
  await writeFile(join(folder, "package.json"), JSON.stringify({ private: true, type: "module" }));
  // Without scripts too: many a user has them switched off, and nothing here may need them.
  const flags = ["--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--loglevel=error"];
  await run("npm", ["install", ...flags, `./${packed.filename}`], { cwd: folder });
  return {
    folder,
    files: packed.files.map(({ path }) => path),
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** The program of a runtime that this repository installs; undefined when it is missing on this machine. */
export function runtimeProgram(name: "deno" | "bun"): string | undefined {
  const file = join(root, "node_modules", ".bin", name);
  return existsSync(file) ? file : undefined;
}
