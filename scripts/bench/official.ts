/**
 * The official model plain and accelerated, and through the SDK beside calling it by hand: npm run bench -- official
 * docs/benchmarks.md says what each row means. It needs `npx glip setup --official`; about ten minutes on two cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOfficial } from "../../src/environment/official/resolve.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { measureAccelerations } from "./official/accelerations.ts";
import { measureDetection } from "./official/detection.ts";
import { prepareFiles } from "./official/setting.ts";
import { measureTraining } from "./official/training.ts";
import { describeMachine, describeVersions, publish } from "./harness.ts";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const { python } = resolveEnvironment({ groups: ["official"] });
const setting = {
  python,
  checkout: resolveOfficial().directory,
  directory: mkdtempSync(join(tmpdir(), "glip-bench-")),
  rounds: quick ? 1 : 5,
};

try {
  prepareFiles(setting);
  const rows = [
    ...(await measureAccelerations(setting)),
    ...(await measureDetection(setting)),
    ...(await measureTraining(setting)),
  ];
  const report = { benchmark: "official", machine: describeMachine(), versions: describeVersions(python), rows };
  publish(
    report,
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(setting.directory, { recursive: true, force: true });
}
