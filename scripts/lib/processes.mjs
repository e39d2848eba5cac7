import { spawn } from "node:child_process";

import { root } from "./repository.mjs";

/**
 * Runs a command, from the repository's root unless `cwd` says otherwise.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {{ capture?: boolean, cwd?: string, env?: Record<string, string>, shell?: boolean }} [options]
 * @returns {Promise<{ code: number, output: string }>} `output` is empty unless `capture`; a command that cannot be
 *   started or that a signal ended has a code above 0.
 */
export function execute(command, args, { capture = false, cwd = root, env = {}, shell = false } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd,
      env: { ...process.env, ...env },
      shell,
      stdio: ["ignore", capture ? "pipe" : "inherit", capture ? "pipe" : "inherit"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text) => (output += text));
    child.on("error", (error) => resolve({ code: 127, output: `${output}${command}: ${error.message}\n` }));
    child.on("close", (code, signal) => {
      if (signal !== null) output += `${command} was ended by ${signal}\n`;
      resolve({ code: code ?? 1, output });
    });
  });
}

/** npm as this run was started with it, or the one on the path. */
export function npm(args, options) {
  const cli = process.env.npm_execpath;
  if (cli?.endsWith(".js")) return execute(process.execPath, [cli, ...args], options);
  return execute("npm", args, { ...options, shell: process.platform === "win32" });
}
