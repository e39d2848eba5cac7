import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";

import { fetchOfficial } from "../../../src/environment/official/fetch.ts";
import { resolveOfficial } from "../../../src/environment/official/resolve.ts";
import { fixture, requireBuild, temporaryFolder } from "../../support/folders.ts";
import { makeTinyOfficial, serveGit, type TinyOfficial } from "../../support/official.ts";

let shared = "";
let tiny: TinyOfficial;

beforeAll(() => {
  requireBuild();
  shared = mkdtempSync(join(tmpdir(), "glip-test-"));
  tiny = makeTinyOfficial(shared);
});

afterAll(() => rmSync(shared, { recursive: true, force: true }));

const home = (): string => join(temporaryFolder(), "home");

/** What is left in a home where nothing was fetched. */
const leftIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name !== "official")
    : [];

function start(options: object): { child: ChildProcess; lines: Promise<Record<string, unknown>[]> } {
  const child = spawn(process.execPath, [fixture("fetch-official.mjs"), JSON.stringify(options)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const collect = async (): Promise<Record<string, unknown>[]> => {
    const lines: Record<string, unknown>[] = [];
    for await (const line of createInterface({ input: child.stdout }))
      lines.push(JSON.parse(line) as (typeof lines)[0]);
    return lines;
  };
  return { child, lines: collect() };
}

test("fetches the pinned commit, tells of its progress, and has nothing to do the second time", async () => {
  const server = await serveGit(tiny.directory);
  const lines: string[] = [];
  const options = { home: home(), manifest: tiny.manifest, repository: server.url };
  const result = await fetchOfficial({ ...options, onProgress: (line) => lines.push(line) });
  const directory = join(options.home, "official", tiny.manifest.commit);
  expect(result).toEqual({ directory, modified: [], changed: true });
  expect(existsSync(join(directory, "README.md"))).toBe(false);
  expect(lines.some((line) => /objects: .*100%/.test(line))).toBe(true);
  expect(resolveOfficial(options)).toEqual({ directory, modified: [] });

  const { connections } = server;
  const began = performance.now();
  expect(await fetchOfficial(options)).toEqual({ ...result, changed: false });
  expect(performance.now() - began).toBeLessThan(500);
  expect(server.connections).toBe(connections);
  expect(readdirSync(options.home)).toEqual(["official"]);
});

test("falls back to a whole clone where the server gives out no commit by its id", async () => {
  vi.stubEnv("GIT_CONFIG_COUNT", "1");
  vi.stubEnv("GIT_CONFIG_KEY_0", "protocol.version");
  vi.stubEnv("GIT_CONFIG_VALUE_0", "0");
  const server = await serveGit(tiny.directory);
  const result = await fetchOfficial({ home: home(), manifest: tiny.manifest, repository: server.url });
  expect(result).toMatchObject({ modified: [], changed: true });
  expect(server.connections).toBe(2);
});

test("takes a repository on this disk", async () => {
  const result = await fetchOfficial({ home: home(), manifest: tiny.manifest, repository: tiny.directory });
  expect(result.changed).toBe(true);
});

test("a connection that is cut midway leaves nothing, and the next run completes it", async () => {
  const options = { home: home(), manifest: tiny.manifest };
  const broken = await serveGit(tiny.directory, { after: 100_000 });
  await expect(fetchOfficial({ ...options, repository: broken.url })).rejects.toMatchObject({
    code: "official_fetch_failed",
    details: { reason: "unreachable", repository: broken.url, commit: tiny.manifest.commit },
  });
  expect(leftIn(options.home)).toEqual([]);
  const whole = await serveGit(tiny.directory);
  expect(await fetchOfficial({ ...options, repository: whole.url })).toMatchObject({ changed: true });
});

test("a server that says nothing any more is given up", async () => {
  const server = await serveGit(tiny.directory, { after: 100_000, end: "stall" });
  const began = performance.now();
  const options = { home: home(), manifest: tiny.manifest, repository: server.url, silenceMs: 500 };
  await expect(fetchOfficial(options)).rejects.toMatchObject({
    code: "official_fetch_failed",
    details: { reason: "unreachable", output: "git said nothing for 0.5 s" },
  });
  expect(performance.now() - began).toBeLessThan(5_000);
});

test("nobody at the address: the error says what else can be done", async () => {
  const fetched = fetchOfficial({ home: home(), manifest: tiny.manifest, repository: "git://127.0.0.1:9/tiny" });
  await expect(fetched).rejects.toMatchObject({ code: "official_fetch_failed", details: { reason: "unreachable" } });
  await expect(fetched).rejects.toThrow(
    /cannot be reached, or the connection broke. Without it only the official engine is missing.*--official DIR/,
  );
});

test("without git the error says so", async () => {
  vi.stubEnv("PATH", temporaryFolder());
  await expect(fetchOfficial({ home: home(), manifest: tiny.manifest })).rejects.toMatchObject({
    code: "official_fetch_failed",
    details: { reason: "git_missing" },
  });
});

test("a commit that the repository does not have, and one that is no commit id", async () => {
  const server = await serveGit(tiny.directory);
  const options = { home: home(), manifest: tiny.manifest, repository: server.url };
  await expect(fetchOfficial({ ...options, commit: "0".repeat(40) })).rejects.toMatchObject({
    code: "official_fetch_failed",
    details: { reason: "commit_missing" },
  });
  await expect(fetchOfficial({ ...options, commit: "main" })).rejects.toMatchObject({ code: "invalid_argument" });
  expect(leftIn(options.home)).toEqual([]);
});

test("a repository with other content under that commit is refused by name", async () => {
  const { commit, files } = tiny.manifest;
  const manifest = { ...tiny.manifest, files: { ...files, "tools/train_net.py": "0".repeat(64) } };
  const options = { home: home(), manifest, repository: tiny.directory };
  await expect(fetchOfficial(options)).rejects.toMatchObject({
    code: "official_modified",
    details: { changed: ["tools/train_net.py"], missing: [], extra: [] },
  });
  expect(leftIn(options.home)).toEqual([]);
  const allowed = await fetchOfficial({ ...options, allowModified: true });
  expect(allowed).toMatchObject({ modified: ["tools/train_net.py"], changed: true });
  expect(allowed.directory).toContain(commit);
});

test("a fetched checkout that was changed since is not overwritten", async () => {
  const options = { home: home(), manifest: tiny.manifest, repository: tiny.directory };
  const { directory } = await fetchOfficial(options);
  writeFileSync(join(directory, "tools/train_net.py"), "print('mine')\n");
  await expect(fetchOfficial(options)).rejects.toMatchObject({ code: "official_modified" });
  expect(existsSync(directory)).toBe(true);
});

test("an aborted fetch rejects and leaves nothing", async () => {
  const server = await serveGit(tiny.directory, { after: 100_000, end: "stall" });
  const controller = new AbortController();
  const options = { home: home(), manifest: tiny.manifest, repository: server.url, signal: controller.signal };
  const fetched = fetchOfficial(options);
  void server.reached.then(() => controller.abort(new Error("enough")));
  await expect(fetched).rejects.toMatchObject({ code: "cancelled", cause: new Error("enough") });
  expect(leftIn(options.home)).toEqual([]);
});

test("two at once take turns: one fetches, the other finds it", async () => {
  const server = await serveGit(tiny.directory);
  const options = { home: home(), manifest: tiny.manifest, repository: server.url };
  const runs = [start(options), start(options)];
  const results = (await Promise.all(runs.map(({ lines }) => lines))).map((own) => own.at(-1)?.["result"]);
  const changed = results.map((result) => (result as { changed: boolean }).changed);
  expect(changed).toEqual(expect.arrayContaining([false, true]));
  expect(readdirSync(options.home)).toEqual(["official"]);
});

describe.skipIf(process.platform === "win32")("kill -9", () => {
  test("midway leaves no checkout, and the next run completes it", async () => {
    const stalling = await serveGit(tiny.directory, { after: 150_000, end: "stall" });
    const options = { home: home(), manifest: tiny.manifest };
    const { child } = start({ ...options, repository: stalling.url });
    await stalling.reached;
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(() => resolveOfficial(options)).toThrow(expect.objectContaining({ code: "official_missing" }));
    const whole = await serveGit(tiny.directory);
    expect(await fetchOfficial({ ...options, repository: whole.url })).toMatchObject({ changed: true, modified: [] });
    expect(readdirSync(options.home)).toEqual(["official"]);
    expect(readdirSync(join(options.home, "official")).sort()).toEqual([tiny.manifest.commit]);
  });
});
