import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const oxlint = join(dirname(createRequire(import.meta.url).resolve("oxlint/package.json")), "bin", "oxlint");

/** Files that break one rule each, linted with this repository's settings. */
const faults: Record<string, [path: string, content: string]> = {
  "typescript(no-floating-promises)": ["src/a1.ts", "export async function f(): Promise<void> {}\nf();\n"],
  "typescript(no-misused-promises)": [
    "src/a2.ts",
    "export function f(p: Promise<boolean>): number {\n  if (p) return 1;\n  return 2;\n}\n",
  ],
  "typescript(await-thenable)": ["src/a3.ts", "export const f = async (x: number): Promise<number> => await x;\n"],
  "typescript(no-explicit-any)": ["src/a4.ts", "export let f: any;\n"],
  "typescript(no-unsafe-assignment)": ["src/a5.ts", 'export const f: number = JSON.parse("1");\n'],
  "typescript(no-unsafe-member-access)": ["src/a6.ts", 'export const f = Boolean(JSON.parse("{}").x);\n'],
  "typescript(no-unsafe-call)": ["src/a7.ts", 'JSON.parse("1")();\n'],
  "typescript(no-unsafe-return)": ["src/a8.ts", 'export const f = (): number => JSON.parse("1");\n'],
  "typescript(no-unsafe-argument)": ["src/a9.ts", 'export const f = parseInt(JSON.parse("1"), 10);\n'],
  "typescript(switch-exhaustiveness-check)": [
    "src/b1.ts",
    'export function f(k: "x" | "y"): void {\n  switch (k) {\n    case "x":\n      break;\n  }\n}\n',
  ],
  "typescript(only-throw-error)": ["src/b2.ts", 'export function f(): never {\n  throw "x";\n}\n'],
  "typescript(consistent-type-imports)": [
    "src/b3.ts",
    'import { Stats } from "node:fs";\nexport const f = (s: Stats): number => s.size;\n',
  ],
  "import(no-cycle)": ["src/b4.ts", 'import { g } from "./b5.ts";\nexport const f = (): unknown => g;\n'],
  "import(no-default-export)": ["src/b6.ts", "export default 1;\n"],
  "eslint(no-console)": ["src/b7.ts", 'console.log("x");\n'],
  "unicorn(prefer-node-protocol)": ["src/b8.ts", 'import { readFileSync } from "fs";\nexport { readFileSync };\n'],
};

let folder: string;
let output: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "glip-lint-"));
  const write = (path: string, content: string): void => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  };
  for (const [path, content] of Object.values(faults)) write(path, content);
  write("src/b5.ts", 'import { f } from "./b4.ts";\nexport const g = f;\n');
  write("src/cli/c1.ts", 'console.log("a command line may");\n');
  write("tsconfig.json", JSON.stringify({ extends: join(root, "tsconfig.json"), include: ["src"] }));
  copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
  output = spawnSync(process.execPath, [oxlint, "--format=unix", "src"], { cwd: folder, encoding: "utf8" }).stdout;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the linter, with types", () => {
  test.each(Object.entries(faults))("%s fires", (rule, [path]) => {
    const lines = output.split("\n").filter((line) => line.startsWith(`${path}:`));
    expect(lines.join("\n"), output).toContain(`[Error/${rule}]`);
  });

  test("console is allowed in the command line", () => expect(output).not.toContain("c1.ts"));
});
