import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

/** A new empty folder; gone after the test. Only inside a test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "glip-test-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}

/** Writes an executable shell script. */
export function writeScript(folder: string, name: string, ...lines: string[]): string {
  const path = join(folder, name);
  writeFileSync(path, ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
  return path;
}

/** A file of test/fixtures. */
export function fixture(name: string): string {
  return fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
}

/** Fixtures and the command line run the build, because Node 20 cannot run TypeScript. */
export function requireBuild(): void {
  const built = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
  if (!existsSync(built)) throw new Error("this test runs the build: `npm run build` first");
}
