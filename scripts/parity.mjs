// Prints how far the native engine's numbers are from the official code's, stage by stage:
//
//   npm run parity -- [--config glip-t] [--height 800] [--width 800] [--batch 1]
//
// It needs the official checkout: GLIP_OFFICIAL_REPO, or `glip setup --official`.

import { installPackages } from "./lib/packages.mjs";
import { execute } from "./lib/processes.mjs";
import { officialPython } from "./lib/python.mjs";
import { inRoot } from "./lib/repository.mjs";

try {
  await installPackages();
  const build = [inRoot("node_modules", "typescript", "bin", "tsc"), "-p", "tsconfig.build.json"];
  if ((await execute(process.execPath, build)).code !== 0) throw new Error("the build failed");
  const { python, checkout } = await officialPython();
  const script = inRoot("python", "tests", "glipv2", "parity_figures.py");
  const env = { PYTHONPATH: inRoot("python") };
  const { code } = await execute(python, [script, checkout, ...process.argv.slice(2)], { env });
  process.exitCode = code;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
