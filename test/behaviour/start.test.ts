import { describe, expect, test } from "vitest";
import { launch } from "../../src/launch.ts";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, prepare, testHome, transports } from "../support/faults.ts";

describe.each(["hang", "hang with the GIL"])("a start that never ends (%s)", (start) => {
  test.each(transports)("%s: worker_start_timeout", async (transport) => {
    const startTimeoutMs = 1500;
    const { options, expectNothingLeft } = await prepare({ start, startTimeoutMs, transport });
    const begin = performance.now();
    const error = await within(startTimeoutMs + 1000, failure(launch(options), "worker_start_timeout"));
    expect(performance.now() - begin).toBeGreaterThan(startTimeoutMs - 50);
    expect(error.details).toMatchObject({ timeoutMs: startTimeoutMs, signal: "SIGKILL" });
    expect(error.message).toContain("startTimeoutMs");
    await expectNothingLeft();
  });
});

test.each(transports)("%s: a slow start is waited for", async (transport) => {
  await using worker = await launchFaulty({ start: "slow", transport });
  await within(callMs, worker.glip.call("faults.pid"));
});

test.each(["flood", "garbage"])("a start that writes a %s to stdout", async (start) => {
  await using worker = await launchFaulty({ start });
  await within(callMs, worker.glip.call("faults.pid"));
});

test.each(transports)("%s: the worker exits while it starts", async (transport) => {
  const { options, expectNothingLeft } = await prepare({ start: "exit", transport });
  const error = await within(10_000, failure(launch(options), "worker_start_failed"));
  expect(error.details).toMatchObject({ exitCode: 7, signal: undefined });
  expect(error.details.lastLogLines).toContain("the last words before the exit");
  expect(error.details.logFile).toMatch(new RegExp(`^${testHome}`));
  expect(error.message).toContain("exit code 7");
  expect(error.message).toContain("the last words before the exit");
  expect(error.message).toContain("npx glip doctor");
  await expectNothingLeft();
});

test("an import that fails says which", async () => {
  const { options, expectNothingLeft } = await prepare({ start: "import error" });
  const error = await within(10_000, failure(launch(options), "worker_start_failed"));
  expect(error.details.exitCode).toBe(1);
  expect(error.message).toContain("libmissing.so: cannot open shared object file");
  await expectNothingLeft();
});

test("a plugin that does not exist", async () => {
  const { options, expectNothingLeft } = await prepare({ plugins: ["no_such_plugin"] });
  const error = await within(10_000, failure(launch(options), "worker_start_failed"));
  expect(error.message).toContain("No module named 'no_such_plugin'");
  await expectNothingLeft();
});

test("a plugin that registers nothing", async () => {
  const { options, expectNothingLeft } = await prepare({ plugins: ["json"] });
  const error = await within(10_000, failure(launch(options), "worker_start_failed"));
  expect(error.message).toContain("has no function register(registry)");
  await expectNothingLeft();
});

test("an engine's device that is not here", async () => {
  const { options, expectNothingLeft } = await prepare({ device: "mps", torch: true });
  const error = await within(19_000, failure(launch(options), "worker_start_failed"));
  expect(error.message).toContain("there is no device mps");
  await expectNothingLeft();
});
