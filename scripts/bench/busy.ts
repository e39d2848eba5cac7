/**
 * detect() on a machine whose every core also runs something else, with the worker's own setting of how long OpenMP's threads
 * spin for each other, beside OpenMP's: npm run bench -- busy [--quick]. On Linux.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "glip-sdk";
import { resolveEnvironment } from "../../src/environment/resolve.ts";
import { describeMachine, describeVersions, median, pairedRow, publish, time } from "./harness.ts";
import { nano } from "./inference/setting.ts";

const args = process.argv.slice(2);
const quick = args.includes("--quick");
const rounds = quick ? 2 : 6;
/** Of each side in a round, of which the median counts. */
const runs = 5;

/** What libgomp takes where nobody says anything, and no more threads are asked for than there are cores. */
const UNSAID = { GOMP_SPINCOUNT: "300000" };

const home = mkdtempSync(join(tmpdir(), "glip-bench-"));
const { python } = resolveEnvironment();
const options = { interpreter: python, home, device: "cpu", threads: availableParallelism() };
try {
  await using ours = await launch(options);
  await using theirs = await launch({ ...options, env: UNSAID });
  const detect = (glip: typeof ours) => () => glip.detect(nano.picture, nano.categories);
  const measured = { ours: [] as number[], theirs: [] as number[] };
  const busy = { ours: [] as number[], theirs: [] as number[] };
  await Promise.all([detect(ours)(), detect(theirs)()]);
  for (let round = 0; round < rounds; round++) {
    measured.ours.push(median(await time(detect(ours), { runs })));
    measured.theirs.push(median(await time(detect(theirs), { runs })));
    const others = Array.from({ length: availableParallelism() }, () => spawn(process.execPath, ["-e", "for (;;);"]));
    try {
      busy.ours.push(median(await time(detect(ours), { runs })));
      busy.theirs.push(median(await time(detect(theirs), { runs })));
    } finally {
      await Promise.all(others.map(ended));
    }
  }
  publish(
    {
      benchmark: "busy",
      machine: describeMachine(),
      versions: describeVersions(python),
      rows: [
        pairedRow({
          what: "glip-nano, detect() beside a busy program on each core",
          ours: busy.ours,
          reference: busy.theirs,
          unit: "ms",
          bar: { of: "ratio", atMost: 0.8 },
        }),
        pairedRow({
          what: "glip-nano, detect() on a machine that does nothing else",
          ours: measured.ours,
          reference: measured.theirs,
          unit: "ms",
          bar: { of: "ratio", atMost: 1.1 },
        }),
      ],
    },
    args.filter((arg) => arg !== "--quick"),
  );
} finally {
  rmSync(home, { recursive: true, force: true });
}

function ended(child: ChildProcess): Promise<unknown> {
  const exit = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  return exit;
}
