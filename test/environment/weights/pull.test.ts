import { existsSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { listWeights, removeWeights, verifyWeights } from "../../../src/environment/weights/manage.ts";
import type { PullProgress } from "../../../src/environment/weights/meter.ts";
import { pullWeights } from "../../../src/environment/weights/pull.ts";
import { resolveWeights } from "../../../src/environment/weights/resolve.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { giveFile, makeWeights, serveWeights } from "../../support/weights-server.ts";

const hasty = { firstDelayMs: 5, stallMs: 500 };
const inHome = (home: string): string[] => readdirSync(join(home, "weights")).sort();

test("downloads, tells how far it is, records the sum, and compares with it from then on", async () => {
  const { bytes, sha256 } = makeWeights(2_000_000);
  const server = await serveWeights((request, response) => giveFile(request, response, bytes));
  const home = temporaryFolder();
  const progress: PullProgress[] = [];
  const messages: string[] = [];
  const url = `${server.url}mine.pth`;
  const options = { home, onMessage: (text: string) => messages.push(text) };
  const result = await pullWeights(url, { ...options, onProgress: (event) => progress.push(event) });
  const path = join(home, "weights", "mine.pth");
  expect(result).toEqual({ name: "mine.pth", path, size: bytes.length, sha256, source: "first-use", changed: true });
  expect(readFileSync(path).equals(bytes)).toBe(true);
  expect(messages).toEqual([
    `No sha256 is published for mine.pth. Recorded ${sha256}; from now on it is compared with that.`,
  ]);
  const last = progress.findLast(({ phase }) => phase === "download");
  expect(last).toMatchObject({ bytes: bytes.length, total: bytes.length, eta: 0 });
  expect(last?.rate).toBeGreaterThan(0);
  expect(inHome(home)).toEqual(["mine.pth", "mine.pth.json"]);

  expect(await pullWeights(url, options)).toEqual({ ...result, changed: false });
  expect(server.requests).toHaveLength(1);
  expect(messages).toHaveLength(1);
  expect(resolveWeights("mine.pth", { home })).toBe(path);
  expect(await verifyWeights("mine.pth", { home })).toMatchObject({ sha256, comparedWith: "first-use" });
});

test("another address that ends with the same name is refused, not taken for the first", async () => {
  const { bytes } = makeWeights();
  const server = await serveWeights((request, response) => giveFile(request, response, bytes));
  const home = temporaryFolder();
  await pullWeights(`${server.url}a/mine.pth`, { home });
  await expect(pullWeights(`${server.url}b/mine.pth`, { home })).rejects.toThrow(
    `source: expected ${server.url}a/mine.pth, which mine.pth was pulled from`,
  );
});

test("a name of the zoo, by the address of another host, keeps its name", async () => {
  const { bytes } = makeWeights();
  const server = await serveWeights((request, response) => giveFile(request, response, bytes));
  const home = temporaryFolder();
  const result = await pullWeights(`${server.url}some/glip_a_tiny_o365.pth`, { home });
  expect(result.name).toBe("glip-t-a");
  expect(resolveWeights("glip-t-a", { home })).toBe(result.path);
  expect(listWeights({ home }).find(({ name }) => name === "glip-t-a")).toMatchObject({
    state: "present",
    size: bytes.length,
    record: { source: "first-use", file: "glip_a_tiny_o365.pth" },
  });
});

test("the page of a file on Hugging Face stands for the file", async () => {
  const { bytes } = makeWeights();
  const asked: unknown[] = [];
  const fake = (address: unknown): Promise<Response> => {
    asked.push(address);
    return Promise.resolve(new Response(bytes));
  };
  await pullWeights("https://huggingface.co/GLIPModel/GLIP/blob/main/glip_a_tiny_o365.pth", {
    home: temporaryFolder(),
    fetch: fake,
  });
  expect(asked).toEqual(["https://huggingface.co/GLIPModel/GLIP/resolve/main/glip_a_tiny_o365.pth"]);
});

test("a sum that the host sends along vouches for the file, and refuses another", async () => {
  const { bytes, sha256 } = makeWeights();
  let announced = sha256;
  const server = await serveWeights((request, response) => {
    const headers = { location: "/cdn", "x-linked-etag": `"${announced}"`, "x-linked-size": String(bytes.length) };
    if (request.url === "/cdn") giveFile(request, response, bytes);
    else response.writeHead(302, headers).end();
  });
  const home = temporaryFolder();
  const result = await pullWeights(`${server.url}mine.pth`, { home });
  expect(result).toMatchObject({ source: "host", sha256 });
  announced = "0".repeat(64);
  await expect(pullWeights(`${server.url}mine.pth`, { home: temporaryFolder() })).rejects.toMatchObject({
    code: "weights_mismatch",
    details: { field: "sha256", expected: announced, received: sha256 },
  });
  // Against the record it is refused before anything is fetched again.
  truncateSync(result.path, 10);
  const { length } = server.requests;
  await expect(pullWeights(`${server.url}mine.pth`, { home })).rejects.toMatchObject({
    code: "weights_mismatch",
    details: { field: "sha256", expected: sha256, received: announced },
  });
  expect(server.requests.length - length).toBe(2);
});

test("a file that was damaged is replaced by the one that was recorded, and by no other", async () => {
  const { bytes } = makeWeights();
  let served = bytes;
  const server = await serveWeights((request, response) => giveFile(request, response, served));
  const home = temporaryFolder();
  const url = `${server.url}mine.pth`;
  const { path } = await pullWeights(url, { home });
  const damaged = Buffer.from(bytes);
  damaged[1000] = (damaged[1000] ?? 0) ^ 1;
  writeFileSync(path, damaged);
  await expect(verifyWeights("mine.pth", { home })).rejects.toMatchObject({ code: "weights_mismatch" });
  expect(await pullWeights(url, { home })).toMatchObject({ changed: true });
  expect(readFileSync(path).equals(bytes)).toBe(true);

  truncateSync(path, 1000);
  expect(() => resolveWeights("mine.pth", { home })).toThrow("size expected 300000, got 1000");
  served = makeWeights(bytes.length).bytes;
  await expect(pullWeights(url, { home })).rejects.toMatchObject({
    code: "weights_mismatch",
    details: { field: "sha256" },
  });
  expect(inHome(home)).toEqual(["mine.pth", "mine.pth.json"]);
  expect(readFileSync(path)).toHaveLength(1000);
  served = makeWeights(1234).bytes;
  await expect(pullWeights(url, { home })).rejects.toMatchObject({ details: { field: "size", received: "1234" } });

  expect(await removeWeights("mine.pth", { home })).toBe(true);
  expect(inHome(home)).toEqual([]);
  expect(await removeWeights("mine.pth", { home })).toBe(false);
  expect(await pullWeights(url, { home })).toMatchObject({ size: 1234 });
});

test("a file that already lies there is taken over", async () => {
  const { bytes, sha256 } = makeWeights();
  const home = temporaryFolder();
  const other = await serveWeights((request, response) => giveFile(request, response, bytes));
  await pullWeights(`${other.url}mine.pth`, { home });
  await removeWeights("mine.pth", { home });
  writeFileSync(join(home, "weights", "glip_large_model.pth"), bytes);
  expect(await pullWeights("glip-l", { home })).toMatchObject({ changed: false, sha256, source: "first-use" });
});

test("--from takes a file that is here, by copy or by link, with the same checks", async () => {
  const { bytes, sha256 } = makeWeights();
  const folder = temporaryFolder();
  const home = join(folder, "home");
  const from = join(folder, "downloaded.bin");
  writeFileSync(from, bytes);
  const dead = await pullWeights("glip-l-lvisbest", { home, from });
  expect(dead).toMatchObject({ changed: true, sha256, source: "first-use" });
  expect(readFileSync(dead.path).equals(bytes)).toBe(true);
  expect(resolveWeights("glip-l-lvisbest", { home })).toBe(dead.path);
  const linked = await pullWeights("glip-l", { home, from, link: true });
  expect(readFileSync(linked.path).equals(bytes)).toBe(true);
  await removeWeights("glip-l", { home });
  expect(existsSync(from)).toBe(true);

  writeFileSync(dead.path, "damaged");
  writeFileSync(from, makeWeights().bytes);
  await expect(pullWeights("glip-l-lvisbest", { home, from })).rejects.toMatchObject({
    code: "weights_mismatch",
    details: { path: from, field: "sha256", expected: sha256 },
  });
  writeFileSync(from, "<!doctype html><title>Sign in</title>");
  await expect(pullWeights("glip-t", { home, from })).rejects.toMatchObject({
    code: "weights_mismatch",
    details: { field: "content", received: "a web page" },
  });
  writeFileSync(from, "version https://git-lfs.github.com/spec/v1\noid sha256:0\n");
  await expect(pullWeights("glip-t", { home, from })).rejects.toMatchObject({
    details: { received: "a git-lfs pointer" },
  });
  await expect(pullWeights("glip-t", { home, from: join(folder, "absent") })).rejects.toMatchObject({
    code: "file_error",
  });
  await expect(pullWeights("glip-t", { home, from: folder })).rejects.toMatchObject({ code: "file_error" });
  expect(inHome(home)).toEqual(["glip-l-lvisbest.json", "glip_large_model_lvisbest.pth"]);
});

test("what can be downloaded nowhere says so, and unknown names are refused with those that there are", async () => {
  const home = temporaryFolder();
  await expect(pullWeights("glip-l-lvisbest", { home })).rejects.toMatchObject({ code: "unsupported" });
  await expect(pullWeights("glip-l-lvisbest", { home })).rejects.toThrow(/HTTP 409.*--from FILE/);
  await expect(pullWeights("glip-x", { home })).rejects.toThrow(/expected a name \(glip-t-a, .*got glip-x/);
  for (const address of [
    "http://127.0.0.1/",
    "http://127.0.0.1/page.html",
    "http://127.0.0.1/..%2Fx.pth",
    "file:///x.pth",
  ])
    await expect(pullWeights(address, { home })).rejects.toMatchObject({ code: "invalid_argument" });
});

test("weights that are not here: the error says which command gets them", () => {
  const home = temporaryFolder();
  const code = "weights_missing";
  expect(() => resolveWeights("glip-t", { home })).toThrow("Run `npx glip weights pull glip-t`");
  expect(() => resolveWeights("glip-t", { home })).toThrow(expect.objectContaining({ code }));
  expect(() => resolveWeights("glip-l-lvisbest", { home })).toThrow(
    "`npx glip weights pull glip-l-lvisbest --from FILE`",
  );
  expect(() => resolveWeights("absent.pth", { home })).toThrow(/No weights absent\.pth: there is no file .*glip-t-a/);
  expect(() => resolveWeights(home, { home })).toThrow("is a folder");
  const own = join(home, "own.pth");
  writeFileSync(own, "x");
  expect(resolveWeights(own, { home })).toBe(own);
});

test("a pull that is aborted keeps what came", async () => {
  const { bytes } = makeWeights();
  const controller = new AbortController();
  const server = await serveWeights((request, response) => {
    giveFile(request, response, bytes, { stop: { after: 100_000, by: "stall" } });
    setTimeout(() => controller.abort(new Error("enough")), 100);
  });
  const home = temporaryFolder();
  const pull = pullWeights(`${server.url}mine.pth`, { ...hasty, home, signal: controller.signal });
  await expect(pull).rejects.toMatchObject({ code: "cancelled", cause: new Error("enough") });
  expect(inHome(home)).toEqual(["mine.pth.part", "mine.pth.part.json"]);
});
