import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";

import { readOfficialManifest } from "../../../src/environment/official/manifest.ts";
import { resolveOfficial } from "../../../src/environment/official/resolve.ts";
import { setupOfficial } from "../../../src/environment/official/setup.ts";
import { verifyOfficial } from "../../../src/environment/official/verify.ts";
import { temporaryFolder } from "../../support/folders.ts";
import { checkoutOf, makeTinyOfficial, type TinyOfficial } from "../../support/official.ts";

let shared = "";
let tiny: TinyOfficial;

beforeAll(() => {
  shared = mkdtempSync(join(tmpdir(), "glip-test-"));
  tiny = makeTinyOfficial(shared);
});

afterAll(() => rmSync(shared, { recursive: true, force: true }));

beforeEach(() => {
  vi.stubEnv("GLIP_OFFICIAL_REPO", undefined);
});

function fresh(): { directory: string; home: string } {
  const folder = temporaryFolder();
  return { directory: checkoutOf(tiny, join(folder, "checkout")), home: join(folder, "home") };
}

const nothing = { changed: [], missing: [], extra: [] };

test("the shipped manifest names the official tree", () => {
  const { repository, commit, files } = readOfficialManifest();
  expect(repository).toBe("https://github.com/microsoft/GLIP");
  expect(commit).toBe("9dda9558c1ef59bb6cdc8e896e2bcab775a68ff0");
  expect(Object.keys(files)).toHaveLength(288);
  expect(files).toHaveProperty(["maskrcnn_benchmark/engine/predictor_glip.py"]);
});

test("what the scripts leave behind does not count", () => {
  const { directory } = fresh();
  for (const path of [
    "maskrcnn_benchmark/__pycache__/a.pyc",
    "OUTPUT/run/b.py",
    "MODEL/c.pth",
    "build/lib/d.py",
    "e.log",
  ]) {
    mkdirSync(join(directory, path, ".."), { recursive: true });
    writeFileSync(join(directory, path), "x");
  }
  writeFileSync(join(directory, "maskrcnn_benchmark/_C.cpython-310-x86_64-linux-gnu.so"), "x");
  writeFileSync(join(directory, "configs/mine.yaml"), "x");
  symlinkSync(tmpdir(), join(directory, "DATASET"));
  expect(verifyOfficial(directory, { manifest: tiny.manifest })).toEqual(nothing);
});

test("line endings of Windows do not count, other spaces do", () => {
  const { directory } = fresh();
  const file = join(directory, "maskrcnn_benchmark/engine/predict.py");
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replaceAll("\n", "\r\n"));
  expect(verifyOfficial(directory, { manifest: tiny.manifest })).toEqual(nothing);
  writeFileSync(file, `${text}\n`);
  expect(() => verifyOfficial(directory, { manifest: tiny.manifest })).toThrow(
    "changed: maskrcnn_benchmark/engine/predict.py",
  );
});

test("changed, missing and extra files are refused by name, and reported when they are allowed", () => {
  const { directory } = fresh();
  writeFileSync(join(directory, "tools/train_net.py"), "print('other')\n");
  unlinkSync(join(directory, "configs/a.yaml"));
  writeFileSync(join(directory, "maskrcnn_benchmark/engine/hook.py"), "");
  writeFileSync(join(directory, "torch.py"), "");
  symlinkSync(tmpdir(), join(directory, "maskrcnn_benchmark/elsewhere"));
  const expected = {
    changed: ["tools/train_net.py"],
    missing: ["configs/a.yaml"],
    extra: ["maskrcnn_benchmark/elsewhere", "maskrcnn_benchmark/engine/hook.py", "torch.py"],
  };
  expect(verifyOfficial(directory, { manifest: tiny.manifest, allowModified: true })).toEqual(expected);
  const verify = (): unknown => verifyOfficial(directory, { manifest: tiny.manifest });
  expect(verify).toThrow(expect.objectContaining({ code: "official_modified", details: { directory, ...expected } }));
  expect(verify).toThrow(
    "(changed: tools/train_net.py; missing: configs/a.yaml; " +
      "extra: maskrcnn_benchmark/elsewhere, maskrcnn_benchmark/engine/hook.py, torch.py)",
  );
  expect(verify).toThrow("--allow-modified");
});

test("a folder that is none, or holds something else, is no checkout", () => {
  const folder = temporaryFolder();
  const file = join(folder, "file");
  writeFileSync(file, "");
  for (const directory of [join(folder, "absent"), file, folder])
    expect(() => verifyOfficial(directory, { manifest: tiny.manifest })).toThrow(
      expect.objectContaining({
        code: "official_missing",
        details: expect.objectContaining({ path: directory }) as unknown,
      }),
    );
});

test("with stamps files are read once, and again when a time or a size changed", async () => {
  const { directory, home } = fresh();
  const options = { manifest: tiny.manifest, stamps: join(home, "stamps") };
  await sleep(150); // younger files are not remembered
  verifyOfficial(directory, options);
  const file = join(directory, "tools/train_net.py");
  // A stamp that lies shows that it is believed: no file was read.
  const stamp = join(options.stamps, readdirSync(options.stamps)[0] ?? "");
  const truth = readFileSync(stamp, "utf8");
  writeFileSync(stamp, truth.replace('"changed":[]', '"changed":["a lie"]'));
  expect(() => verifyOfficial(directory, options)).toThrow("changed: a lie");
  expect(verifyOfficial(directory, { manifest: tiny.manifest })).toEqual(nothing);
  writeFileSync(stamp, "{");
  expect(verifyOfficial(directory, options)).toEqual(nothing);
  writeFileSync(file, "print('TRAIN')\n");
  utimesSync(file, new Date(0), new Date(0));
  expect(() => verifyOfficial(directory, options)).toThrow("changed: tools/train_net.py");
  writeFileSync(file, "print('train')\n");
  expect(verifyOfficial(directory, options)).toEqual(nothing);
});

test("option, then GLIP_OFFICIAL_REPO, then what setup chose, then what it fetched", async () => {
  const { manifest } = tiny;
  const [first, second, third] = [fresh(), fresh(), fresh()];
  const home = first.home;
  expect(() => resolveOfficial({ home, manifest })).toThrow(/Run `npx glip setup --official`/);
  const fetched = await setupOfficial({ home, manifest, repository: tiny.directory });
  expect(fetched).toEqual({ directory: join(home, "official", manifest.commit), modified: [], fetched: true });
  expect(resolveOfficial({ home, manifest })).toEqual({ directory: fetched.directory, modified: [] });
  const chosen = await setupOfficial({ home, manifest, official: first.directory });
  expect(chosen).toEqual({ directory: first.directory, modified: [], fetched: false });
  expect(resolveOfficial({ home, manifest }).directory).toBe(first.directory);
  vi.stubEnv("GLIP_OFFICIAL_REPO", second.directory);
  expect(resolveOfficial({ home, manifest }).directory).toBe(second.directory);
  expect(resolveOfficial({ home, manifest, official: third.directory }).directory).toBe(third.directory);
  vi.stubEnv("GLIP_OFFICIAL_REPO", undefined);
  await setupOfficial({ home, manifest, repository: tiny.directory });
  expect(resolveOfficial({ home, manifest }).directory).toBe(fetched.directory);
});

test("a changed tree is used when setup was told to, and only that one", async () => {
  const { directory, home } = fresh();
  const { manifest } = tiny;
  writeFileSync(join(directory, "tools/train_net.py"), "print('mine')\n");
  await expect(setupOfficial({ home, manifest, official: directory })).rejects.toMatchObject({
    code: "official_modified",
  });
  expect(() => resolveOfficial({ home, manifest })).toThrow(expect.objectContaining({ code: "official_missing" }));
  await setupOfficial({ home, manifest, official: directory, allowModified: true });
  const expected = { directory, modified: ["tools/train_net.py"] };
  expect(resolveOfficial({ home, manifest })).toEqual(expected);
  expect(resolveOfficial({ home, manifest, official: directory })).toEqual(expected);
  expect(() => resolveOfficial({ home, manifest, allowModified: false })).toThrow("changed: tools/train_net.py");
  const other = fresh();
  writeFileSync(join(other.directory, "tools/train_net.py"), "print('mine')\n");
  expect(() => resolveOfficial({ home, manifest, official: other.directory })).toThrow("changed: tools/train_net.py");
});
