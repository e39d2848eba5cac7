import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../support/compile.ts";
import { fixture } from "../support/folders.ts";
import { type InstalledProject, installTarball, runtimeProgram } from "../support/installed.ts";
import { expectNothingLeft } from "../support/leftovers.ts";
import { testPython } from "../support/python.ts";

interface Output {
  output_type: string;
  text?: string;
  data?: Record<string, string>;
}

/** By cell. */
type Outputs = Record<string, Output[]>;

interface Cell {
  id: string;
  cell_type: string;
  outputs?: unknown[];
  execution_count?: number | null;
}

interface Notebook {
  path: string;
  cells: Cell[];
}

const read = (name: string): Notebook => {
  const path = join(root, "examples", "notebooks", name);
  return { ...(JSON.parse(readFileSync(path, "utf8")) as Omit<Notebook, "path">), path };
};
const bridge = read("bridge.ipynb");
const detect = read("detect.ipynb");
const oneModel = read("one-model.ipynb");
const codeCells = ({ cells }: Notebook): Cell[] => cells.filter(({ cell_type }) => cell_type === "code");
const deno = runtimeProgram("deno");

// Its outputs would be another machine's; here each cell's are checked instead.
it("keeps the bridge notebook without outputs", () => {
  for (const cell of codeCells(bridge)) expect(cell).toMatchObject({ outputs: [], execution_count: null });
});

const printed = (outputs: Outputs, id: string): string => (outputs[id] ?? []).map(({ text }) => text ?? "").join("");
const shown = (outputs: Outputs, id: string): Record<string, string> =>
  outputs[id]?.find(({ data }) => data !== undefined)?.data ?? {};
const errors = (outputs: Outputs): Output[] =>
  Object.values(outputs)
    .flat()
    .filter(({ output_type }) => output_type === "error");

/** What the detection notebook promises; the numbers themselves are glip-nano's. */
function expectPromised(outputs: Outputs): void {
  expect(errors(outputs)).toEqual([]);
  expect(printed(outputs, "launch")).toMatch(/^\d+\.\d million parameters\n$/);
  expect(printed(outputs, "detect")).toMatch(/^pig +0\.\d\d( \d+){4}$/m);
  expect(printed(outputs, "ground")).toMatch(
    /^a small robot +\d+\ntwo clouds +\d+\nthree red rings +\d+\na yellow star +\d+\n$/,
  );
  for (const [id, title] of [
    ["detect", /^Detections 512x512: \d+ object/],
    ["ground", /^Grounding 512x512 of "a small robot/],
  ] as const) {
    const { "text/plain": plain, "image/jpeg": picture } = shown(outputs, id);
    expect(plain).toMatch(title);
    expect(picture?.slice(0, 4)).toBe("/9j/");
  }
  const embedded = printed(outputs, "embed");
  expect(embedded).toMatch(/^regions (\d+) x (\d+), texts 4 x \2\n/);
  // As a rule, an object's region is nearest to the word that it was found for.
  expect(embedded).toMatch(/^(\w+) .* nearest: \1$/m);
  expect(printed(outputs, "stream")).toMatch(
    /^pig 0\.\d\d\nframe 1: file_error\n(\w+( 0\.\d\d)?\n){2}the camera is off\n$/,
  );
  expect(printed(outputs, "error")).toMatch(/^invalid_argument: categories\[1\]: expected a name .* got '狗'\n$/);
}

/** What the notebook of one model promises, whatever the numbers are. */
function expectOneModel(outputs: Outputs): void {
  expect(errors(outputs)).toEqual([]);
  expect(printed(outputs, "look")).toBe("512 x 512 pixels\n");
  expect(printed(outputs, "detect")).toMatch(/^robot +0\.\d\d$/m);
  expect(printed(outputs, "segment")).toMatch(/^robot +[1-9]\d* pixels$/m);
  expect(printed(outputs, "ground")).toMatch(/^a small robot +[1-9]\d*\n/);
  expect(printed(outputs, "answer")).toMatch(/^(\w[\w ]* +[01]\.\d\d\n){3}the star is (red|green|yellow)\n$/);
  expect(printed(outputs, "caption")).toMatch(/^\w.*\.\n.+ \d+\n/);
  for (const [id, title] of [
    ["detect", /^Detections 512x512: \d+ object/],
    ["segment", /^Detections 512x512: \d+ object/],
    ["ground", /^Grounding 512x512 of "a small robot/],
    ["answer", /./],
    ["caption", /./],
  ] as const) {
    const { "text/plain": plain, "image/jpeg": picture } = shown(outputs, id);
    expect(plain).toMatch(title);
    expect(picture?.slice(0, 4)).toBe("/9j/");
  }
  expect(printed(outputs, "error")).toMatch(/^invalid_argument: .*closed/);
}

describe.skipIf(deno === undefined)(`in Deno's Jupyter kernel${deno === undefined ? " (deno is missing)" : ""}`, () => {
  let project: InstalledProject;
  beforeAll(async () => {
    // Where package.json names the SDK, `npm:glip-sdk` is the one installed there.
    project = await installTarball();
    cpSync(join(root, "examples", "pictures"), join(project.folder, "pictures"), { recursive: true });
    mkdirSync(join(project.folder, "notebooks"));
  }, 120_000);
  afterAll(() => project?.remove());

  /** Executes a notebook where the SDK is installed; afterwards nothing of it may be left. */
  async function execute(file: string, ...kept: string[]): Promise<Outputs> {
    const python = await testPython();
    const mark = randomUUID();
    // No registry: what runs is the tarball.
    const env = {
      ...process.env,
      GLIP_PYTHON: python,
      GLIP_TEST_MARK: mark,
      // Other tests compute beside it: threads that wait for cores would take them.
      OMP_NUM_THREADS: "1",
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
    };
    const folder = join(project.folder, "notebooks");
    const args = [fixture("package/execute_notebook.py"), file, folder, deno ?? "", ...kept];
    const { stdout } = await promisify(execFile)(python, args, { env, timeout: 90_000, maxBuffer: 2 ** 24 });
    await expectNothingLeft({ mark });
    return JSON.parse(stdout) as Outputs;
  }

  it("shows what every cell of the bridge notebook promises", { timeout: 120_000 }, async () => {
    const outputs = await execute(bridge.path);
    expect(errors(outputs)).toEqual([]);
    const row = /Python 3\.\d+\.\d+, torch \S+ \| pid \d+$/;
    const table = /^<table>.*<th>device<\/th>.*Python 3\.\d+.*torch .*pid \d+.*<\/table>$/;
    const information = { "text/plain": expect.stringMatching(row), "text/html": expect.stringMatching(table) };
    expect(outputs["launch"]).toMatchObject([{ output_type: "display_data", data: information }]);
    expect(printed(outputs, "tensor")).toMatch(/^10 MB there and back in \d+ ms over zmtp: the same\n$/);
    const values = "0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, …";
    expect(shown(outputs, "tensor")).toEqual({
      "text/plain": `Tensor(float32 [2500, 1000]) ${values}`,
      "text/html": `<div><b>Tensor</b> float32 [2500 × 1000]<br><code>${values}</code></div>`,
    });
    expect(printed(outputs, "stream")).toBe("step 1\nstep 2\nstep 3\nstep 4\nstep 5\n");
    expect(shown(outputs, "stream")["text/plain"]).toContain("steps");
    expect(printed(outputs, "cancel")).toBe("left at step 3; the worker answers: ready for more\n");
    expect(printed(outputs, "window")).toMatch(/^device: (cpu|cuda|mps)\nparameters of a layer: 33\n$/);
    expect(printed(outputs, "error")).toBe("worker_error - Python: KeyError: 'missing'\n");
    expect(printed(outputs, "close")).toBe("worker_closed\n");
  });

  it("shows what every cell of the detection notebook promises", { timeout: 120_000 }, async () => {
    const kept = process.env["GLIP_KEEP_OUTPUTS"] === undefined ? [] : [detect.path];
    expectPromised(await execute(detect.path, ...kept));
  });

  it("shows what every cell of the notebook of one model promises", { timeout: 120_000 }, async () => {
    const kept = process.env["GLIP_KEEP_OUTPUTS"] === undefined ? [] : [oneModel.path];
    expectOneModel(await execute(oneModel.path, ...kept));
  });

  it("takes the worker along when the kernel ends without close()", { timeout: 60_000 }, async () => {
    const cells = bridge.cells.filter(({ id }) => id === "launch");
    const file = join(project.folder, "unclosed.ipynb");
    writeFileSync(file, JSON.stringify({ ...bridge, cells }));
    const { launch } = await execute(file);
    expect(launch?.[0]?.data?.["text/plain"]).toMatch(/pid \d+$/);
  });
});

// Who only reads it sees what it shows: `GLIP_KEEP_OUTPUTS=1 npm test -- test/package/notebook` keeps those of that run.
it.each([
  { path: detect.path, expectAll: expectPromised },
  { path: oneModel.path, expectAll: expectOneModel },
])("keeps $path with outputs, and small", ({ path, expectAll }) => {
  const cells = codeCells(read(basename(path)));
  for (const [index, { execution_count, outputs }] of cells.entries()) {
    expect(execution_count).toBe(index + 1);
    expect(outputs).not.toContainEqual(expect.objectContaining({ output_type: "error" }));
  }
  expectAll(Object.fromEntries(cells.map(({ id, outputs }) => [id, outputs as Output[]])));
  expect(statSync(path).size).toBeLessThan(500_000);
});
