import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { join, relative, sep } from "node:path";

import { execute } from "./processes.mjs";
import { inRoot, root } from "./repository.mjs";

const tsc = inRoot("node_modules", "typescript", "bin", "tsc");
const compiled = ["src", "scripts", "examples"];

/** Builds dist/, which is what `glip-sdk` means inside this repository. Writes only what changed. */
export async function build() {
  const { code } = await execute(process.execPath, [tsc, "-p", "tsconfig.build.json"]);
  if (code !== 0) throw new Error("the build failed");
}

/**
 * Compiles one script, with what it imports, so that Node 20 can run it.
 *
 * The result lies in a mirror of the repository: `.build/<script>/` has the compiled files where their sources are in
 * the repository, and links to everything else. So `new URL("../python", import.meta.url)` means the same there.
 *
 * @param {string} file absolute path of a TypeScript file in scripts/, examples/ or src/
 * @returns {Promise<string>} absolute path of the JavaScript file
 */
export async function compileScript(file) {
  const path = relative(root, file);
  if (!compiled.includes(path.split(sep)[0]) || !path.endsWith(".ts")) {
    throw new Error(`${path}: expected a .ts file in ${compiled.join("/, ")}/`);
  }
  const name = path.slice(0, -".ts".length).replaceAll(sep, "-");
  const mirror = inRoot(".build", name);
  mkdirSync(mirror, { recursive: true });
  for (const entry of readdirSync(root)) {
    if (!compiled.includes(entry) && !entry.startsWith(".")) link(inRoot(entry), join(mirror, entry));
  }

  const config = inRoot(".build", `${name}.json`);
  const types = [inRoot("node_modules", "@types")];
  const compilerOptions = { noEmit: false, rootDir: root, outDir: mirror, inlineSourceMap: true, typeRoots: types };
  writeFileSync(
    config,
    JSON.stringify({ extends: inRoot("tsconfig.json"), compilerOptions, files: [file], include: [] }),
  );
  const { code } = await execute(process.execPath, [tsc, "-p", config]);
  if (code !== 0) throw new Error(`${path} does not compile`);
  return join(mirror, path.replace(/\.ts$/, ".js"));
}

/**
 * Compiles and runs a script with this process's streams and working directory; returns its exit code. dist/ is built
 * before only where the script wants it: the tools of scripts/ must run while src/ as a whole does not compile.
 */
export async function runScript(file, args) {
  if (/["']glip-sdk["']/.test(readFileSync(file, "utf8"))) await build();
  const script = await compileScript(file);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--enable-source-maps", script, ...args], { stdio: "inherit" });
    // Ctrl-C reaches the script from the terminal itself; this process waits for what the script makes of it.
    process.on("SIGINT", () => undefined);
    process.on("SIGTERM", () => child.kill("SIGTERM"));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve(code ?? 128 + constants.signals[signal]));
  });
}

function link(target, path) {
  try {
    symlinkSync(target, path, "junction");
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
  }
}
