/**
 * The native model beside the official code, and detect() beside Python: npm run bench -- inference [--quick] [--nano]
 * docs/benchmarks.md says what each row means; `--nano` measures glip-nano alone. The official side needs
 * `npx glip setup --official`; about twenty minutes on two cores with it.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveOfficial } from "../../src/environment/official/resolve.ts";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { isGlipError } from "../../src/errors.ts";
import { describeMachine, describeVersions, publish, type Row } from "./harness.ts";
import { measureGpu } from "./inference/gpu.ts";
import { measureMemory } from "./inference/memory.ts";
import { measureNano } from "./inference/nano.ts";
import { measureSdk } from "./inference/sdk.ts";
import { prepareFiles, type Setting } from "./inference/setting.ts";
import { measureTimes } from "./inference/times.ts";
import type { Interpreter } from "./lib/script.ts";

const args = process.argv.slice(2);
const [quick, nano] = [args.includes("--quick"), args.includes("--nano")];
const parts = {
  "glip-nano": measureNano,
  "detect() against Python": measureSdk,
  "native against official, time": measureTimes,
  "native against official, memory": measureMemory,
  GPU: measureGpu,
};
const directory = mkdtempSync(join(tmpdir(), "glip-bench-"));

try {
  const setting: Setting = { ...resolveInterpreter(), directory, home: join(directory, "home"), rounds: quick ? 1 : 4 };
  prepareFiles(setting);
  const rows: Row[] = [];
  for (const [part, measure] of Object.entries(parts)) {
    if (nano && measure !== measureNano) continue;
    console.error(`${part} …`);
    rows.push(...(await measure(setting)));
  }
  const versions = describeVersions(setting.python);
  publish(
    { benchmark: "inference", machine: describeMachine(), versions, rows },
    args.filter((arg) => arg !== "--quick" && arg !== "--nano"),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}

/** Without the official code or its packages, what needs them is left out. */
function resolveInterpreter(): Interpreter {
  try {
    return { python: resolveEnvironment({ groups: ["official"] }).python, checkout: resolveOfficial().directory };
  } catch (error) {
    if (!isGlipError(error)) throw error;
    console.log(`Without the official code, only the native side is measured: ${error.message.split("\n")[0]}`);
    return { python: resolveEnvironment().python };
  }
}
