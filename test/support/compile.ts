import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Compiles a TypeScript file of this repository and what it imports, because Node 20 runs only JavaScript.
 * Returns the path of the result.
 */
export async function compile(path: string): Promise<string> {
  const name = path.replace(/\.ts$/, "").replaceAll("/", "-");
  const outDir = join(root, ".build", name);
  await mkdir(outDir, { recursive: true });
  const config = join(root, ".build", `${name}.json`);
  const compilerOptions = { noEmit: false, rootDir: root, outDir };
  await writeFile(
    config,
    JSON.stringify({ extends: "../tsconfig.json", compilerOptions, files: [join(root, path)], include: [] }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  await promisify(execFile)(process.execPath, [tsc, "-p", relative(process.cwd(), config)], { timeout: 60_000 });
  return join(outDir, path.replace(/\.ts$/, ".js"));
}
