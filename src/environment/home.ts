import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this package: `src/environment` and `dist/environment` lie equally deep in it. */
export const packageRoot = fileURLToPath(new URL("../../", import.meta.url));

/** The folder that holds the Python packages `glipv2` and `glip_worker`; goes on the worker's `PYTHONPATH`. */
export const pythonSource = join(packageRoot, "python");

/** The folder that holds the lock files, one `<group>.txt` each. */
export const requirementsDirectory = join(pythonSource, "requirements");

/**
 * The folder that holds what `glip setup` makes: environments, tools, the official checkout, weights.
 * `override` wins, then `GLIP_HOME`, then the user's cache directory. Absolute, as tools run in other folders than this
 * process; it need not exist yet.
 */
export function glipHome(override?: string): string {
  const { GLIP_HOME, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (override !== undefined) return resolve(override);
  if (GLIP_HOME) return resolve(GLIP_HOME);
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "glip-sdk");
  if (process.platform === "win32") return join(LOCALAPPDATA ?? join(homedir(), "AppData", "Local"), "glip-sdk");
  return join(XDG_CACHE_HOME || join(homedir(), ".cache"), "glip-sdk");
}

/** The folder that holds one folder per environment. */
export function environmentsDirectory(home: string): string {
  return join(home, "environments");
}

/** The interpreter of the virtual environment in `directory`. */
export function interpreterOf(directory: string): string {
  return process.platform === "win32" ? join(directory, "Scripts", "python.exe") : join(directory, "bin", "python");
}
