// Checks that each folder imports only what it may: node scripts/check-borders.mjs [ROOT]

import { findBorderViolations } from "./lib/borders.mjs";
import { root } from "./lib/repository.mjs";

const violations = findBorderViolations(process.argv[2] ?? root);
for (const violation of violations) console.error(violation);
process.exitCode = violations.length === 0 ? 0 : 1;
