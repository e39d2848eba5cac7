import { existsSync } from "node:fs";

import { execute } from "./processes.mjs";
import { inRoot } from "./repository.mjs";

/**
 * The Python that has the SDK's packages and the development tools: the one of GLIP_PYTHON, or else the SDK's own
 * environment, which is made or brought up to date by `glip setup --group dev`. Needs `npm run build`.
 *
 * @returns {Promise<string>} path of the executable
 */
export async function developmentPython() {
  if (process.env.GLIP_PYTHON) return process.env.GLIP_PYTHON;
  const cli = inRoot("bin", "glip.js");
  if (!existsSync(cli)) throw new Error("no Python: bin/glip.js is missing and GLIP_PYTHON is not set");
  const { code } = await execute(process.execPath, [cli, "setup", "--group", "dev"]);
  if (code !== 0) throw new Error(`glip setup --group dev ended with exit code ${code}`);
  const shown = await execute(process.execPath, ["--input-type=module", "--eval", printPython], { capture: true });
  if (shown.code !== 0) throw new Error(`the environment that glip setup made cannot be resolved:\n${shown.output}`);
  return shown.output.trim();
}

const printPython = `
  import { resolveEnvironment } from "./dist/environment/resolve.js";
  console.log((await resolveEnvironment({ groups: ["dev"] })).python);
`;
