import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

import { isGlipError, messageOf } from "../../errors.ts";
import type { OfficialManifest } from "../official/manifest.ts";
import { resolveOfficial } from "../official/resolve.ts";
import { type Check, ok, problem } from "./check.ts";

/** The microsoft/GLIP checkout, which the engine `official` alone needs. */
export function checkOfficial(home: string, manifest?: OfficialManifest): Check {
  const name = "official checkout";
  try {
    const { directory, modified } = resolveOfficial({ home, manifest });
    const differs = modified.length === 0 ? "" : `, changed as allowed: ${modified.join(", ")}`;
    return ok(name, false, `${directory}${differs}`);
  } catch (error) {
    const setup = "`npx glip setup --official`";
    if (isGlipError(error, "official_missing"))
      return problem(name, false, error.details.reason, `Only the official engine needs it: run ${setup}.`);
    return problem(name, false, messageOf(error), `Only the official engine needs it: mend it, then run ${setup}.`);
  }
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
