import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageRoot } from "./home.ts";

/** The version of this SDK. */
export const sdkVersion = (JSON.parse(readFileSync(join(packageRoot, "package.json"), "utf8")) as { version: string })
  .version;
