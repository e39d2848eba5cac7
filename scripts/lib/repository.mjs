import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's root folder. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Absolute path of something below the root. */
export const inRoot = (...parts) => join(root, ...parts);
