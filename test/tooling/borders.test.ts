import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

const checker = join(import.meta.dirname, "..", "..", "scripts", "check-borders.mjs");
const dependencies = ["@noble/ciphers", "@noble/curves", "commander", "execa", "msgpackr", "pythonia", "zeromq", "zod"];

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "glip-borders-"));
  write("package.json", JSON.stringify({ dependencies: Object.fromEntries(dependencies.map((name) => [name, "*"])) }));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
}

function check(...files: [path: string, content: string][]): { status: number | null; output: string } {
  for (const [path, content] of files) write(path, content);
  const { status, stderr } = spawnSync(process.execPath, [checker, root], { encoding: "utf8" });
  return { status, output: stderr };
}

const importing = (specifier: string): string => `import { x } from "${specifier}";\n`;

describe("arrows between the folders of src", () => {
  test.each([
    ["protocol/a.ts", "../bridge/b.ts", "src/protocol may not import src/bridge"],
    ["bridge/a.ts", "../worker/b.ts", "src/bridge may not import src/worker"],
    ["bridge/zmtp/a.ts", "../../environment/b.ts", "src/bridge may not import src/environment"],
    ["worker/a.ts", "../tasks/b.ts", "src/worker may not import src/tasks"],
    ["worker/a.ts", "../training/b.ts", "src/worker may not import src/training"],
    ["tasks/a.ts", "../training/b.ts", "src/tasks may not import src/training"],
    ["tasks/a.ts", "../glip.ts", "src/tasks may not import src/glip"],
    ["training/a.ts", "../tasks/b.ts", "src/training may not import src/tasks"],
    ["glip.ts", "./cli/b.ts", "src/glip may not import src/cli"],
    ["launch.ts", "./cli/b.ts", "src/glip may not import src/cli"],
    ["worker/a.ts", "../options.ts", "src/worker may not import src/glip"],
    ["index.ts", "./cli/b.ts", "src/index may not import src/cli"],
    ["cli/a.ts", "../index.ts", "src/cli may not import src/index"],
    ["environment/a.ts", "../bridge/b.ts", "src/environment may not import src/bridge"],
    ["environment/a.ts", "../worker/b.ts", "src/environment may not import src/worker"],
    ["images/a.ts", "../bridge/b.ts", "src/images may not import src/bridge"],
    ["images/a.ts", "../worker/b.ts", "src/images may not import src/worker"],
    ["datasets/a.ts", "../bridge/b.ts", "src/datasets may not import src/bridge"],
    ["datasets/a.ts", "../worker/b.ts", "src/datasets may not import src/worker"],
    ["errors.ts", "./protocol/b.ts", "src/errors may not import src/protocol"],
    ["bridge/a.ts", "../../dist/index.js", "leads out of src"],
    ["bridge/a.ts", "../helpers/b.ts", "src/bridge may not import src/helpers"],
    ["helpers/a.ts", "../errors.ts", "src/helpers has no place among the arrows"],
  ])("src/%s may not import %s", (file, specifier, message) => {
    const { status, output } = check([`src/${file}`, importing(specifier)]);
    expect(output).toContain(`src/${file}:1: `);
    expect(output).toContain(message);
    expect(status).toBe(1);
  });

  test("what the arrows allow passes", () => {
    const { status, output } = check(
      ["src/cli/a.ts", importing("../glip.ts") + importing("commander") + importing("./b.ts")],
      ["src/glip.ts", importing("./tasks/detect.ts") + importing("./training/run.ts")],
      ["src/tasks/detect.ts", importing("../worker/worker.ts") + importing("zod")],
      ["src/worker/worker.ts", importing("../bridge/channel.ts") + importing("execa") + importing("node:fs")],
      ["src/bridge/zmtp/a.ts", importing("../../protocol/tensor.ts") + importing("@noble/curves/ed25519.js")],
      ["src/bridge/channel.ts", importing("zeromq") + importing("msgpackr") + importing("../logger.ts")],
      ["src/environment/a.ts", importing("pythonia") + importing("execa") + importing("../errors.ts")],
    );
    expect(output).toBe("");
    expect(status).toBe(0);
  });
});

describe("packages with a folder of their own", () => {
  test.each([
    ["worker", "zeromq", "only src/bridge may import zeromq"],
    ["worker", "msgpackr", "only src/bridge may import msgpackr"],
    ["environment", "@noble/curves/ed25519.js", "only src/bridge may import @noble/curves"],
    ["protocol", "@noble/ciphers/salsa.js", "only src/bridge may import @noble/ciphers"],
    ["cli", "execa", "only src/worker and src/environment may import execa"],
    ["worker", "pythonia", "only src/environment may import pythonia"],
    ["environment", "commander", "only src/cli may import commander"],
    ["bridge", "left-pad", "left-pad is not among the dependencies of package.json"],
  ])("src/%s may not import %s", (folder, specifier, message) => {
    const { status, output } = check([`src/${folder}/a.ts`, importing(specifier)]);
    expect(output).toBe(`src/${folder}/a.ts:1: ${message}\n`);
    expect(status).toBe(1);
  });
});

describe("every form of import is seen", () => {
  test.each([
    ['import "zeromq";', 1],
    ['import type { Socket } from "zeromq";', 1],
    ['import {\n  Dealer,\n  Router,\n} from "zeromq";', 1],
    ['import * as zmq from "zeromq";', 1],
    ['export { Dealer } from "zeromq";', 1],
    ['const x = 1;\nconst zmq = await import("zeromq");', 2],
    ['type S = import("zeromq").Socket;', 1],
    ['const zmq = require("zeromq");', 1],
  ])("%j", (content, line) => {
    const { status, output } = check(["src/worker/a.ts", content]);
    expect(output).toBe(`src/worker/a.ts:${line}: only src/bridge may import zeromq\n`);
    expect(status).toBe(1);
  });

  test("but not one in a comment", () => {
    const { output } = check([
      "src/worker/a.ts",
      '/**\n * import { x } from "zeromq";\n * await import("zeromq")\n */\n',
    ]);
    expect(output).toBe("");
  });

  test("nor a method that is called import", () => {
    const { output } = check(["src/worker/a.ts", '/** `python.import("torch")` */\nawait python.import("torch");\n']);
    expect(output).toBe("");
  });
});

test.each(['export * from "./a.ts";', 'export * as a from "./a.ts";', 'export type * from "./a.ts";'])(
  "%s is refused",
  (content) => {
    const { status, output } = check(["src/protocol/b.ts", content]);
    expect(output).toContain("`export *` hides what is exported");
    expect(status).toBe(1);
  },
);

describe("Python", () => {
  test.each([
    ["glipv2/model/a.py", "from glip_worker.serve import loop", "may not import glip_worker"],
    ["glipv2/a.py", "def f():\n    import glip_worker", "may not import glip_worker"],
    ["glip_worker/serve.py", "import maskrcnn_benchmark.config", "may not import maskrcnn_benchmark"],
  ])("%s: %j is refused", (file, content, message) => {
    const { status, output } = check([`python/${file}`, content]);
    expect(output).toContain(`python/${file}:`);
    expect(output).toContain(message);
    expect(status).toBe(1);
  });

  test("the official engine may import what it runs, and the worker the native engine", () => {
    const { status } = check(
      ["python/glip_worker/engines/official/a.py", "from maskrcnn_benchmark.config import cfg"],
      ["python/glip_worker/engines/native/a.py", "from glipv2.model import build"],
    );
    expect(status).toBe(0);
  });
});
