/**
 * The native training step beside the official one: npm run bench -- training [--quick]
 * docs/benchmarks.md says what each row means. It needs `npx glip setup --official`, 20 GB of memory, and about twenty
 * minutes on two cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOfficial } from "../../src/environment/official/resolve.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { describeMachine, describeVersions, publish } from "./harness.ts";
import { measureGpu } from "./training/gpu.ts";
import { measureMemory } from "./training/memory.ts";
import { prepareFiles, type Setting } from "./training/setting.ts";
import { measureTimes } from "./training/times.ts";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const { python } = resolveEnvironment({ groups: ["official"] });
const setting: Setting = {
  python,
  checkout: resolveOfficial().directory,
  directory: mkdtempSync(join(tmpdir(), "glip-bench-")),
  rounds: quick ? 1 : 3,
};

try {
  prepareFiles(setting);
  const rows = [...(await measureTimes(setting)), ...(await measureMemory(setting)), ...(await measureGpu(setting))];
  publish(
    { benchmark: "training", machine: describeMachine(), versions: describeVersions(python), rows },
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(setting.directory, { recursive: true, force: true });
}
