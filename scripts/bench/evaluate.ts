/**
 * A benchmark by the native engine beside the official evaluation script: npm run bench -- evaluate [--quick]
 * docs/benchmarks.md says what each row means. It needs `npx glip setup --official`; about ten minutes on two cores.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOfficial } from "../../src/environment/official/resolve.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { measureCoco } from "./evaluate/coco.ts";
import { describeMachine, describeVersions, publish } from "./harness.ts";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const { python } = resolveEnvironment({ groups: ["official"] });
const setting = {
  python,
  checkout: resolveOfficial().directory,
  directory: mkdtempSync(join(tmpdir(), "glip-bench-")),
  pictures: quick ? 2 : 6,
  rounds: quick ? 1 : 2,
};

try {
  const rows = await measureCoco(setting);
  publish(
    { benchmark: "evaluate", machine: describeMachine(), versions: describeVersions(python), rows },
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(setting.directory, { recursive: true, force: true });
}
