import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { type Check, ok, problem } from "./check.ts";

/** The microsoft/GLIP checkout, which the engine `official` alone needs. */
export function checkOfficial(home: string): Check {
  const directory = process.env["GLIP_OFFICIAL_REPO"] || join(home, "official");
  if (existsSync(join(directory, "maskrcnn_benchmark"))) return ok("official checkout", false, directory);
  const fix = "Only the official engine needs it: clone microsoft/GLIP and point GLIP_OFFICIAL_REPO at it.";
  return problem("official checkout", false, `none in ${directory}`, fix);
}

/** Downloaded checkpoints; the embedded model comes with the package. */
export function checkWeights(home: string): Check {
  const directory = join(home, "weights");
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => /\.(pth|safetensors)$/.test(name)) : [];
  return ok(
    "weights",
    false,
    files.length > 0 ? files.join(", ") : `none in ${directory}; the embedded model needs none`,
  );
}
