import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll } from "vitest";
import { isGlipError, type ErrorCode, type GlipError } from "../../src/errors.ts";
import type { Glip } from "../../src/glip.ts";
import { launch } from "../../src/launch.ts";
import type { LaunchOptions } from "../../src/options.ts";
import { root } from "./compile.ts";
import { fixture } from "./folders.ts";
import { directoriesOf, expectNothingLeft } from "./leftovers.ts";
import { testPython } from "./python.ts";

/** Log files of the workers of one test file. */
export const testHome = mkdtempSync(join(tmpdir(), "glip-home-"));
afterAll(() => rmSync(testHome, { recursive: true, force: true, maxRetries: 3 }));

export const transports = ["zeromq", "zmtp"] as const;

/** What a call that computes next to nothing may take, however busy the machine is with other tests. */
export const callMs = 3000;

/** Heartbeats that notice a stopped worker soon, and a busy machine not at once. */
export const quickHeartbeat = { intervalMs: 200, timeoutMs: 1000 };

export interface FaultOptions extends LaunchOptions {
  /** How the start goes wrong: `_start` in test/fixtures/plugins/faults.py. */
  start?: string;
  /** Start with the real torch, not with what stands in for it. @default false */
  torch?: boolean;
}

/** A launch with the faults plugin, and the check that nothing is left of it. */
export interface Prepared {
  options: LaunchOptions;
  mark: string;
  expectNothingLeft: (withinMs?: number) => Promise<void>;
}

/** What `launch` needs for a worker with faults; all of it can be written as JSON when `given` can. */
export async function prepare(given: FaultOptions = {}): Promise<Prepared> {
  const { start = "", torch = false, ...options } = given;
  const mark = randomUUID();
  const except = directoriesOf(process.pid);
  const path = [...(torch ? [] : [fixture("stand-in")]), join(root, "python")].join(delimiter);
  const env = {
    GLIP_TEST_MARK: mark,
    GLIP_FAULT_START: start,
    PYTHONPATH: path,
    // One for all tests: it costs seconds to fill.
    PYTHONPYCACHEPREFIX: join(root, ".build", "bytecode"),
    ...options.env,
  };
  const faults = {
    plugins: ["faults"],
    pythonPath: [fixture("plugins")],
    interpreter: await testPython(),
    home: testHome,
  };
  const device = options.devices === undefined ? { device: "cpu" } : {};
  // A model's engine is inferred; without one, none is wanted here.
  const engine = options.model === undefined ? ({ engine: "none" } as const) : {};
  return {
    options: { ...engine, ...device, ...faults, ...options, env },
    mark,
    expectNothingLeft: (withinMs = 1000) => expectNothingLeft({ mark, except, withinMs }),
  };
}

export interface Faulty extends Prepared, AsyncDisposable {
  glip: Glip;
}

/** A worker with faults. `await using` closes it, and checks that nothing is left. */
export async function launchFaulty(given: FaultOptions = {}): Promise<Faulty> {
  const prepared = await prepare(given);
  const glip = await launch(prepared.options);
  return {
    ...prepared,
    glip,
    async [Symbol.asyncDispose]() {
      await glip.close();
      await prepared.expectNothingLeft();
    },
  };
}

/** What the promise rejects with; an error when it resolves or rejects with anything but that code. */
export async function failure<Code extends ErrorCode>(promise: Promise<unknown>, code: Code): Promise<GlipError<Code>> {
  const outcome = await promise.then(
    (value) => new Error(`expected ${code}, but the promise resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  if (isGlipError(outcome, code)) return outcome;
  throw new Error(`expected ${code}, got ${String(outcome)}`, { cause: outcome });
}

/** Milliseconds until the promise is settled, either way. */
export async function duration(promise: Promise<unknown>): Promise<number> {
  const start = performance.now();
  await promise.catch(() => {});
  return performance.now() - start;
}
