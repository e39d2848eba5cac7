import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
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

interface Cell {
  id: string;
  cell_type: string;
  outputs?: unknown[];
  execution_count?: number | null;
}

const path = join(root, "examples", "notebooks", "bridge.ipynb");
const notebook = JSON.parse(readFileSync(path, "utf8")) as { cells: Cell[] };
const deno = runtimeProgram("deno");

// Outputs in git would be another machine's, and change with every run; here each cell's are checked instead.
it("is kept without outputs", () => {
  for (const cell of notebook.cells.filter(({ cell_type }) => cell_type === "code")) {
    expect(cell).toMatchObject({ outputs: [], execution_count: null });
  }
});

describe.skipIf(deno === undefined)(`in Deno's Jupyter kernel${deno === undefined ? " (deno is missing)" : ""}`, () => {
  let project: InstalledProject;
  beforeAll(async () => {
    // Where package.json names the SDK, `npm:glip-sdk` is the one installed there.
    project = await installTarball();
  }, 120_000);
  afterAll(() => project?.remove());

  /** Executes a notebook where the SDK is installed; afterwards nothing of it may be left. */
  async function execute(file: string): Promise<Record<string, Output[]>> {
    const python = await testPython();
    const mark = randomUUID();
    // No registry: what runs is the tarball.
    const env = {
      ...process.env,
      GLIP_PYTHON: python,
      GLIP_TEST_MARK: mark,
      NPM_CONFIG_REGISTRY: "http://127.0.0.1:9",
    };
    const args = [fixture("package/execute_notebook.py"), file, project.folder, deno ?? ""];
    const { stdout } = await promisify(execFile)(python, args, { env, timeout: 90_000 });
    await expectNothingLeft({ mark });
    return JSON.parse(stdout) as Record<string, Output[]>;
  }

  it("shows what every cell of the bridge notebook promises", { timeout: 120_000 }, async () => {
    const outputs = await execute(path);
    const printed = (id: string): string => (outputs[id] ?? []).map(({ text }) => text ?? "").join("");
    const shown = (id: string): Record<string, string> =>
      outputs[id]?.find(({ data }) => data !== undefined)?.data ?? {};

    expect(
      Object.values(outputs)
        .flat()
        .filter(({ output_type }) => output_type === "error"),
    ).toEqual([]);
    const row = /Python 3\.\d+\.\d+, torch \S+ \| pid \d+$/;
    const table = /^<table>.*<th>device<\/th>.*Python 3\.\d+.*torch .*pid \d+.*<\/table>$/;
    const information = { "text/plain": expect.stringMatching(row), "text/html": expect.stringMatching(table) };
    expect(outputs["launch"]).toMatchObject([{ output_type: "display_data", data: information }]);
    expect(printed("tensor")).toMatch(/^10 MB there and back in \d+ ms over zmtp: the same\n$/);
    const values = "0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, …";
    expect(shown("tensor")).toEqual({
      "text/plain": `Tensor(float32 [2500, 1000]) ${values}`,
      "text/html": `<div><b>Tensor</b> float32 [2500 × 1000]<br><code>${values}</code></div>`,
    });
    expect(printed("stream")).toBe("step 1\nstep 2\nstep 3\nstep 4\nstep 5\n");
    expect(shown("stream")["text/plain"]).toContain("steps");
    expect(printed("cancel")).toBe("left at step 3; the worker answers: ready for more\n");
    expect(printed("window")).toMatch(/^device: (cpu|cuda|mps)\nparameters of a layer: 33\n$/);
    expect(printed("error")).toBe("worker_error - Python: KeyError: 'missing'\n");
    expect(printed("close")).toBe("worker_closed\n");
  });

  it("takes the worker along when the kernel ends without close()", { timeout: 60_000 }, async () => {
    const cells = notebook.cells.filter(({ id }) => id === "launch");
    const file = join(project.folder, "unclosed.ipynb");
    writeFileSync(file, JSON.stringify({ ...notebook, cells }));
    const { launch } = await execute(file);
    expect(launch?.[0]?.data?.["text/plain"]).toMatch(/pid \d+$/);
  });
});
