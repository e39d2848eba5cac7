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

/**
 * The Python that has the development tools and the official code's packages, and the official checkout.
 *
 * @returns {Promise<{ python: string, checkout: string }>}
 */
export async function officialPython() {
  if (!process.env.GLIP_PYTHON) {
    const setup = ["setup", "--group", "dev", "--group", "official"];
    const { code } = await execute(process.execPath, [inRoot("bin", "glip.js"), ...setup]);
    if (code !== 0) throw new Error(`glip ${setup.join(" ")} ended with exit code ${code}`);
  }
  const shown = await execute(process.execPath, ["--input-type=module", "--eval", printOfficial], { capture: true });
  if (shown.code !== 0) throw new Error(`the tests of the official engine cannot run:\n${shown.output}`);
  return JSON.parse(shown.output);
}

const printOfficial = `
  import { resolveOfficial } from "./dist/environment/official/resolve.js";
  import { resolveEnvironment } from "./dist/environment/resolve.js";
  try {
    const { python } = resolveEnvironment({ groups: ["dev", "official"] });
    console.log(JSON.stringify({ python, checkout: resolveOfficial().directory }));
  } catch (error) {
    console.log(error.message);
    process.exitCode = 1;
  }
`;
