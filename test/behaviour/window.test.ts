import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { PythonObject } from "../../src/environment/window.ts";
import { within } from "../support/connection.ts";
import { callMs, failure, launchFaulty, type Faulty } from "../support/faults.ts";
import { directoriesOf } from "../support/leftovers.ts";

describe("a window into Python", () => {
  let worker: Faulty;
  beforeAll(async () => {
    worker = await launchFaulty({ python: true });
  });
  afterAll(() => worker[Symbol.asyncDispose]());

  test("reads objects", async () => {
    using python = await within(callMs, worker.glip.python());
    expect(await within(callMs, Promise.resolve(python.scope["device"]?.["type"]))).toBe("cpu");
    expect(await within(callMs, Promise.resolve(python.scope["engine"]?.["name"]))).toBe("none");
    expect(await within(callMs, python.evaluate("1 + 1"))).toBe(2);
    expect(await within(callMs, python.evaluate("x * 2", { x: 21 }))).toBe(42);
    const os = (await within(callMs, python.import("os"))) as PythonObject;
    expect(await within(callMs, Promise.resolve(os["getpid"]?.()))).toBe(worker.glip.info.pid);
  });

  test("changes objects that calls then use", async () => {
    using python = await within(callMs, worker.glip.python());
    const { glip } = worker;
    expect(await within(callMs, glip.call("faults.setting"))).toEqual({ setting: "as it was" });
    const faults = (await within(callMs, python.import("faults"))) as PythonObject;
    faults["setting"] = "changed" as unknown as PythonObject;
    expect(await within(callMs, Promise.resolve(faults["setting"]))).toBe("changed");
    expect(await within(callMs, glip.call("faults.setting"))).toEqual({ setting: "changed" });
  });

  test("an exception of Python arrives with its text", async () => {
    using python = await within(callMs, worker.glip.python());
    const error = await within(callMs, failure(python.evaluate("{}['missing']"), "worker_error"));
    expect(error.message).toContain("KeyError: 'missing'");
    expect(error.details).toMatchObject({ type: "KeyError" });
    expect(error.details.traceback).toContain("Traceback (most recent call last)");
    await within(callMs, failure(python.import("no_such_module"), "worker_error"));
    await within(callMs, failure(python.evaluate("exit()"), "worker_error"));
    // Neither the window nor the worker minds.
    expect(await within(callMs, python.evaluate("2 + 2"))).toBe(4);
    await within(callMs, worker.glip.call("faults.pid"));
  });

  test("works while a call computes", async () => {
    using python = await within(callMs, worker.glip.python());
    const call = worker.glip.call("faults.sleep", { seconds: 2, cooperative: false });
    expect(await within(1500, python.evaluate("3 + 3"))).toBe(6);
    await within(callMs, call);
  });

  test("several at once; closing one leaves the others", async () => {
    const first = await within(callMs, worker.glip.python());
    using second = await within(callMs, worker.glip.python());
    first.close();
    first.close();
    await within(500, failure(first.evaluate("1"), "worker_closed"));
    expect(await within(callMs, second.evaluate("5"))).toBe(5);
  });

  test("its socket is our own user's alone", () => {
    const sockets = directoriesOf(process.pid).flatMap((name) => {
      const directory = join("/dev/shm", name);
      expect(statSync(directory).mode & 0o777).toBe(0o700);
      return readdirSync(directory)
        .map((file) => join(directory, file))
        .filter((file) => statSync(file).isSocket());
    });
    // The wire's and the window's.
    expect(sockets).toHaveLength(2);
    const windows = sockets.filter((path) => path.endsWith("/window.sock"));
    expect(windows.map((path) => statSync(path).mode & 0o777)).toEqual([0o600]);
    for (const path of sockets) expect(statSync(path).mode & 0o077).toBe(0);
  });
});

test("a window that was not asked for", async () => {
  await using worker = await launchFaulty();
  const error = await within(500, failure(worker.glip.python(), "unsupported"));
  expect(error.message).toContain("launch({ python: true })");
});

test("closing the worker closes the window", async () => {
  await using worker = await launchFaulty({ python: true });
  const python = await within(callMs, worker.glip.python());
  const pending = failure(python.evaluate("__import__('time').sleep(60)"), "worker_closed");
  await within(1500, worker.glip.close());
  await within(500, pending);
  await within(callMs, failure(python.evaluate("1"), "worker_closed"));
  await worker.expectNothingLeft();
});

test("a window of a worker that dies", async () => {
  await using worker = await launchFaulty({ python: true });
  const python = await within(callMs, worker.glip.python());
  const pending = failure(python.evaluate("__import__('time').sleep(60)"), "worker_closed");
  process.kill(worker.glip.info.pid, "SIGKILL");
  await within(500, pending);
  await within(callMs, failure(python.evaluate("1"), "worker_closed"));
});
