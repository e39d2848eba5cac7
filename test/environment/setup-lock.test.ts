import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { processIdentity } from "../../src/environment/process-identity.ts";
import { acquireSetupLock } from "../../src/environment/setup-lock.ts";
import { fixture, requireBuild, temporaryFolder } from "../support/folders.ts";

beforeAll(requireBuild);

function hold(path: string, log: string, ...rest: string[]): ChildProcess {
  const child = spawn(process.execPath, [fixture("hold-lock.mjs"), path, log, ...rest], { stdio: "inherit" });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

const linesOf = (log: string): string[] => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []);

test("processes take turns, and nothing is left behind", async () => {
  const folder = temporaryFolder();
  const [path, log] = [join(folder, "setup.lock"), join(folder, "log")];
  const holders = Array.from({ length: 4 }, () => hold(path, log, "100"));
  await Promise.all(holders.map((child) => once(child, "exit")));
  const lines = linesOf(log);
  expect(lines).toHaveLength(8);
  for (let index = 0; index < 8; index += 2) expect(lines[index + 1]).toBe(lines[index]?.replace("enter", "leave"));
  expect(readdirSync(folder)).toEqual(["log"]);
});

test("says who holds it, and waits", async () => {
  const folder = temporaryFolder();
  const [path, log] = [join(folder, "setup.lock"), join(folder, "log")];
  const holder = hold(path, log, "600");
  await vi.waitFor(() => expect(linesOf(log)).toHaveLength(1), 5_000);
  const onWait = vi.fn<(holder: string) => void>();
  const lock = await acquireSetupLock(path, { onWait });
  expect(linesOf(log)).toHaveLength(2);
  expect(onWait.mock.calls).toEqual([[`another glip setup (process ${holder.pid}) holds ${path}`]]);
  lock.release();
});

test("a waiting caller can give up", async () => {
  const path = join(temporaryFolder(), "setup.lock");
  const lock = await acquireSetupLock(path);
  await expect(acquireSetupLock(path, { signal: AbortSignal.timeout(100) })).rejects.toMatchObject({
    code: "cancelled",
  });
  lock.release();
  (await acquireSetupLock(path)).release();
});

describe.skipIf(process.platform === "win32")("after kill -9", () => {
  test("the lock is free at once and the holder's child is ended first", async () => {
    const folder = temporaryFolder();
    const [path, log] = [join(folder, "setup.lock"), join(folder, "log")];
    const holder = hold(path, log, "60000", "child");
    await vi.waitFor(() => expect(linesOf(log)).toHaveLength(1), 5_000);
    const orphan = Number(linesOf(log)[0]?.split(" ")[1]);
    expect(processIdentity(orphan)).toBeDefined();
    holder.kill("SIGKILL");
    await once(holder, "exit");
    const onWait = vi.fn<(holder: string) => void>();
    const lock = await acquireSetupLock(path, { onWait });
    expect(onWait).not.toHaveBeenCalled();
    await vi.waitFor(() => expect(processIdentity(orphan)).toBeUndefined());
    lock.release();
  });

  test("a process id that was given out again does not hold it", async () => {
    const path = join(temporaryFolder(), "setup.lock");
    const lock = await acquireSetupLock(path);
    const own = readdirSync(path)[0] ?? "";
    lock.release();
    mkdirSync(path);
    writeFileSync(join(path, own.replace(/-\d+$/, "-1")), "");
    (await acquireSetupLock(path)).release();
  });
});

test("a holder on another machine counts as dead when it has not been heard of for long", async () => {
  const path = join(temporaryFolder(), "setup.lock");
  mkdirSync(path);
  const file = join(path, "elsewhere.example~123-456");
  writeFileSync(file, "");
  const waiting = acquireSetupLock(path, { signal: AbortSignal.timeout(300) });
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  const before = new Date(Date.now() - 300_000);
  utimesSync(file, before, before);
  (await acquireSetupLock(path)).release();
});
